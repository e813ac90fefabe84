"""One module for each table of the lanes and of the master data: from its rows to records, and back."""
