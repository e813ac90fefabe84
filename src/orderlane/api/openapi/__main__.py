"""Writes the OpenAPI document: `python -m orderlane.api.openapi > docs/reference/openapi.json`."""

import sys

from orderlane.api.openapi.document import document_bytes
from orderlane.api.routes import OPERATIONS

if __name__ == "__main__":
    sys.stdout.buffer.write(document_bytes(OPERATIONS))
