"""The OpenAPI 3.1 document, made from the declared operations and the structs of the resources."""
