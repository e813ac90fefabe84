"""Everything that touches PostgreSQL: the schema, the named queries and the code that runs them."""
