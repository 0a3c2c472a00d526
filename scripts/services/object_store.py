"""The embedded S3 store: nanio wrapped in CORS, on one or two listeners. Settings come as STORE_* variables."""

import asyncio
import contextlib
import json
import logging
import os
import signal
from pathlib import Path

import uvicorn
from nanio.app import build_app
from nanio.auth.credentials import EnvCredentialResolver
from nanio.config import Settings
from nanio.storage.paths import META_DIR_NAME, MULTIPART_ROOT_NAME
from starlette.middleware.cors import CORSMiddleware


def discard_unfinished(folder: Path) -> int:
    """Removes what a killed store was writing; how many files it was. Before the store starts only: nobody writes then.

    nanio writes beside the target ("<name>.tmp") and refuses to overwrite such a file: where one is left behind, that
    key could never be stored again.
    """
    kept_beside = (*folder.glob(f"*/{META_DIR_NAME}"), folder / MULTIPART_ROOT_NAME)
    found = [path for place in kept_beside for path in place.rglob("*.tmp")]
    for path in found:
        path.unlink()
    return len(found)


async def serve() -> None:
    settings = Settings(
        data_dir=Path(os.environ["STORE_FOLDER"]),
        region=os.environ["STORE_REGION"],
        credentials=EnvCredentialResolver(),
        access_log=False,
    )
    app = CORSMiddleware(
        build_app(settings),
        allow_origins=json.loads(os.environ["STORE_ORIGINS"]),
        allow_methods=["GET", "HEAD"],
        allow_headers=["*"],
        expose_headers=["ETag"],
        max_age=600,
    )
    servers = [_server(app, **listener) for listener in json.loads(os.environ["STORE_LISTEN"])]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _ask_to_stop, servers)
    await asyncio.gather(*(server.serve() for server in servers))


def _server(
    app: CORSMiddleware, host: str, port: int, cert: str | None = None, key: str | None = None
) -> uvicorn.Server:
    configuration = uvicorn.Config(
        app,
        host=host,
        port=port,
        ssl_certfile=cert,
        ssl_keyfile=key,
        access_log=False,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(configuration)
    # uvicorn would take the signals for each server in turn; here one handler stops them all.
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign]
    return server


def _ask_to_stop(servers: list[uvicorn.Server]) -> None:
    for server in servers:
        server.should_exit = True


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    discard_unfinished(Path(os.environ["STORE_FOLDER"]))
    asyncio.run(serve())
