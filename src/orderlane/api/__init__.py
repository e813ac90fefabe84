"""The HTTP API: declared operations, one mechanism that serves them all."""
