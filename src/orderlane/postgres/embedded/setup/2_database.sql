-- The service's database; it belongs to its role, as one made by an operator would.
CREATE DATABASE orderlane OWNER orderlane;
