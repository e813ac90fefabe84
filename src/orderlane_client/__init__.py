"""Client of the Orderlane API and receiver of its webhooks; stands alone, imports nothing from the service."""
