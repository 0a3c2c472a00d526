"""What runs, in which order, for given settings: embedded services, steps, then web, worker and beat."""

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from backend.adapters.jobs.celery import CLOCK_QUEUE, DEFAULT_QUEUE, SCORING_QUEUE
from config.settings import PROJECT_ROOT, Settings, reachable_host
from scripts.services import embedded
from scripts.services.memory import Memory, is_free, write_private
from scripts.services.program import Folders, Program, StartProblem, Step
from scripts.services.tls import make_self_signed

NEEDED_BYTES = 300_000_000


def make_plan(settings: Settings, folders: Folders) -> list[Program | Step]:
    """Prepares the data folder and returns what to run. `settings` still has the embedded addresses empty.

    Raises StartProblem with one line when something is in the way.
    """
    _check_disk(folders.data)
    _check_port(settings)
    _check_async_mode(settings)
    if settings.viva_tls == "self-signed":
        make_self_signed(settings)
    services = _services(settings, Memory(folders.data / "run" / "memory.json"))
    addresses = {name: address for service in services for name, address in service.addresses.items()}
    write_private(folders.run / "services.json", json.dumps(addresses, indent=1))
    _export(settings)
    return [*(service.program for service in services), *_steps(), *viva_programs(settings, folders)]


def _check_disk(data: Path) -> None:
    free = shutil.disk_usage(data).free
    if free < NEEDED_BYTES:
        raise StartProblem(
            f"The disk of {data} has only {free // 1_000_000} MB left and at least {NEEDED_BYTES // 1_000_000} MB are "
            "needed: make room, or set VIVA_DATA to a folder on another disk."
        )


def _check_port(settings: Settings) -> None:
    if not is_free(settings.viva_host, settings.viva_port):
        raise StartProblem(
            f"Port {settings.viva_port} on {settings.viva_host} is taken by another program, or this machine does not "
            f"have that address: set VIVA_PORT to a free one, for example VIVA_PORT={settings.viva_port + 10} make up."
        )


def _check_async_mode(settings: Settings) -> None:
    if settings.viva_async_mode == "eventlet" and importlib.util.find_spec("eventlet") is None:
        raise StartProblem(
            "VIVA_ASYNC_MODE=eventlet needs its optional package: "
            ".venv/bin/uv pip install --require-hashes -r requirements-eventlet.txt"
        )


def _services(settings: Settings, memory: Memory) -> list[embedded.Service]:
    services = []
    if not settings.mongodb_uri:
        services.append(embedded.database(settings.viva_data, memory))
    if not settings.redis_url:
        services.append(embedded.queue(settings.viva_data, memory))
    if not settings.s3_endpoint:
        services.append(
            embedded.object_store(settings.viva_data, memory, region=settings.s3_region, door=_door(settings))
        )
    return services


def _door(settings: Settings) -> embedded.StoreDoor:
    """Browsers reach the store by the same name as the pages."""
    local = {f"{scheme}://{host}:{settings.viva_port}" for scheme in ("http", "https") for host in _own_names(settings)}
    public = urlsplit(settings.public_url)
    return embedded.StoreDoor(
        bind_host=settings.viva_host,
        shown_host=public.hostname or reachable_host(settings.viva_host),
        port=settings.viva_s3_port,
        cert=settings.tls_cert_file,
        key=settings.tls_key_file,
        origins=tuple(sorted({f"{public.scheme}://{public.netloc}", *local})),
    )


def _own_names(settings: Settings) -> set[str]:
    return {"127.0.0.1", "localhost", reachable_host(settings.viva_host)}


def _export(settings: Settings) -> None:
    """What every process of this start must agree on, whatever its working folder."""
    os.environ.update(
        VIVA_SUPERVISED="1",
        VIVA_DATA=str(settings.viva_data),
        VIVA_HOST=settings.viva_host,
        VIVA_PORT=str(settings.viva_port),
        VIVA_WEB_WORKERS=str(settings.viva_web_workers),
        VIVA_ASYNC_MODE=settings.viva_async_mode,
        # Several scoring processes with several threads each would only fight for the cores.
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
    )
    if settings.uses_tls:
        os.environ["GUNICORN_CERT"] = str(settings.tls_cert_file)
        os.environ["GUNICORN_KEY"] = str(settings.tls_key_file)


def _steps() -> list[Step]:
    return [
        Step(name="migrate", title="Migrations", command=_python("scripts.migrate")),
        Step(name="models", title="Speech models", command=_python("scripts.prepare_models")),
        Step(name="prompts", title="Audio of the prompts", command=_python("scripts.render_prompts")),
    ]


def viva_programs(settings: Settings, folders: Folders) -> list[Program]:
    """Viva's own processes, over services that run."""
    return [_web(settings), _scorer(settings), _errands(settings), _clock(settings), _beat(folders), _further_prompts()]


def _web(settings: Settings) -> Program:
    # Only gevent may find sockets patched: in the threading mode gunicorn loads the application without backend.serve.
    application = "backend.serve:app" if settings.viva_async_mode == "gevent" else "backend.app:create_app()"
    server: tuple[str, ...] = ("-m", "gunicorn", "--config", str(PROJECT_ROOT / "gunicorn.conf.py"), application)
    if settings.viva_async_mode == "eventlet":
        server = ("-m", "backend.serve_eventlet")
    return Program(
        name="web",
        title="Web",
        command=(sys.executable, *server),
        is_ready=lambda: _web_answers(settings),
        ready_within_s=120,
        stop_within_s=20,
    )


def _web_answers(settings: Settings) -> bool:
    return embedded.http_answers(f"{settings.local_url}/healthz")


def _scorer(settings: Settings) -> Program:
    """Scoring takes a process a core; a batch of it must not hold up a mail or a sweep."""
    return _worker(settings, "scorer", title="Scoring", queue=SCORING_QUEUE, processes=settings.viva_scoring_workers)


def _errands(settings: Settings) -> Program:
    """Mails, results, slow sweeps."""
    return _worker(settings, "worker", title="Worker", queue=DEFAULT_QUEUE, processes=1)


def _clock(settings: Settings) -> Program:
    """What a candidate's clock waits for. One process, without children: nothing in its queue takes long."""
    return _worker(settings, "clock", title="Clock", queue=CLOCK_QUEUE, processes=1, pool="solo")


def _worker(settings: Settings, name: str, *, title: str, queue: str, processes: int, pool: str = "prefork") -> Program:
    return Program(
        name=name,
        title=title,
        command=_celery(
            *("worker", "--pool", pool, "--concurrency", str(processes), "--queues", queue),
            # INFO whatever LOG_LEVEL says: "ready." is told at that level, and the start waits for it.
            *("--hostname", f"viva-{name}-{settings.viva_port}@%h", "--loglevel", "INFO"),
            *("--without-mingle", "--without-gossip"),
        ),
        ready_text="ready.",
        ready_within_s=180,
        stop_within_s=30,
    )


def _beat(folders: Folders) -> Program:
    return Program(
        name="beat",
        title="Beat",
        command=_celery(
            *("beat", "--schedule", str(folders.run / "beat-schedule"), "--pidfile", ""),
            *("--loglevel", "INFO"),
        ),
        ready_text="beat: Starting...",
        ready_within_s=120,
    )


def _further_prompts() -> Program:
    """Speaks the prompts of the formats that a first start did not wait for; then it waits, and costs nothing."""
    return Program(
        name="prompts",
        title="Further prompts",
        command=(*_python("scripts.render_prompts"), "--rest"),
        ready_text="Prompts of further tests",
        ready_within_s=120,
    )


def _celery(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "-A", "backend.worker:celery_app", *arguments)


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module)
