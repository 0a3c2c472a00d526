"""Jobs that are handed over after what they work on was stored as queued."""

import structlog

from backend.core.errors import AdapterError
from backend.core.ports import Jobs

log = structlog.get_logger()


def hand_over(jobs: Jobs, job: str, *ids: str, delay_s: float = 0) -> bool:
    """Whether the queue took the job. Where it is down nothing is lost: the sweep finds what is stored as queued."""
    try:
        jobs.enqueue(job, *ids, delay_s=delay_s)
    except AdapterError as failure:
        log.warning("job_not_handed_over", job=job, ids=ids, reason=failure.reason)
        return False
    return True
