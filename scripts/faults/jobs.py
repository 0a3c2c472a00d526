"""The product's worker with the programme's ears: `celery -A scripts.faults.jobs:celery_app worker` (or `beat`)."""

from scripts.faults import doubles

doubles.install()

from backend import worker  # noqa: E402 - after the doubles

celery_app = worker.__getattr__("celery_app")
