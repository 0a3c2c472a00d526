"""Reports: documents and tables made of stored results."""
