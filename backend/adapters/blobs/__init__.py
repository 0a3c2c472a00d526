"""Objects by key: an S3 store, or memory."""
