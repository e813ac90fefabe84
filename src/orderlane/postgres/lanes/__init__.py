"""The lane worker's room: lanes that are owned, batches that are loaded, decided elsewhere, and written."""
