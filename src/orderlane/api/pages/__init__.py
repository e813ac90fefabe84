"""The pages of the documentation, rendered on the server; nothing comes from outside."""
