"""What was last counted: in Redis, or memory."""
