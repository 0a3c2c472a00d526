"""What a campus teaches: the drawers that batches lie in."""
