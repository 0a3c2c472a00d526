"""The task queue: Celery, or memory."""
