"""Who is here now: in Redis, or memory."""
