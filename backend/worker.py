"""The worker process: the web's wiring without HTTP. `celery -A backend.worker:celery_app worker` (or `beat`)."""

from functools import cache
from types import ModuleType

from celery import Celery
from celery.signals import worker_process_init
from kombu.entity import Queue

from backend.adapters.jobs.celery import CLOCK_QUEUE, DEFAULT_QUEUE, QUEUES, SCORING_QUEUE
from backend.features.accounts import tasks as account_tasks
from backend.features.attempts.engine import tasks as control_tasks
from backend.features.audit import tasks as audit_tasks
from backend.features.mailings import tasks as mailing_tasks
from backend.features.raters import tasks as rater_tasks
from backend.features.ratings import tasks as rating_tasks
from backend.features.results import tasks as result_tasks
from backend.features.students import tasks as student_tasks
from backend.politeness import give_way
from backend.telemetry import init_telemetry
from backend.wiring import Services, build_services
from config.settings import load_settings

# Every module with tasks offers `register(celery_app, services)` and SCHEDULE. One line here for a new one.
TASKS: tuple[ModuleType, ...] = (
    control_tasks,
    rating_tasks,
    rater_tasks,
    account_tasks,
    student_tasks,
    result_tasks,
    mailing_tasks,
    audit_tasks,
)

LONGEST_TASK_S = 300
"""Hard limit of one task, in seconds; the visibility timeout lies above it, or a job would run while it runs."""

_services: Services | None = None


def get_services() -> Services:
    """This process's wiring, built after the fork: neither sockets nor models survive one."""
    global _services
    if _services is None:
        settings = load_settings()
        init_telemetry(settings)
        _services = build_services(settings)
    return _services


@worker_process_init.connect  # type: ignore[untyped-decorator]  # celery ships no types
def _start_process(**_: object) -> None:
    """Forgets the wiring from before the fork; scoring yields to the pages when they share a machine."""
    global _services
    _services = None
    give_way()


def create_celery(broker_url: str) -> Celery:
    """JSON only, acknowledged late, restored soon: a killed worker's task comes back in seconds."""
    app = Celery("viva", broker=broker_url)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=LONGEST_TASK_S,
        task_queues=[Queue(name) for name in (DEFAULT_QUEUE, SCORING_QUEUE, CLOCK_QUEUE)],  # type: ignore[no-untyped-call]
        task_routes={job: {"queue": queue} for job, queue in QUEUES.items()},
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_max_memory_per_child=1_200_000,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": LONGEST_TASK_S * 2,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
        },
        timezone="UTC",
        beat_schedule={name: entry for module in TASKS for name, entry in module.SCHEDULE.items()},
    )
    for module in TASKS:
        module.register(app, get_services)
    return app


@cache
def _celery_app() -> Celery:
    return create_celery(load_settings().redis_url_for("queue"))


def __getattr__(name: str) -> Celery:
    """`celery_app`, made when Celery's command line asks for it: importing this module reads no settings."""
    if name == "celery_app":
        return _celery_app()
    raise AttributeError(name)
