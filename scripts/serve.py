"""The process manager in the foreground: `make up` starts it detached; Ctrl-C or SIGTERM stops all."""

import asyncio
import os
import signal
import sys

from config.settings import Settings, SettingsError, load_settings
from scripts.services.handles import allow_many_open_files
from scripts.services.plan import make_plan
from scripts.services.program import Folders, Program, StartProblem, Step
from scripts.services.runfiles import (
    AlreadyRunning,
    Progress,
    State,
    end_what_was_left,
    locked,
    process_identity,
    write_state,
)
from scripts.services.supervisor import Supervisor


def main() -> int:
    try:
        settings = load_settings(fill_embedded=False)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    folders = Folders(data=settings.viva_data)
    folders.make()
    allow_many_open_files()
    try:
        with locked(folders):
            return serve(settings, folders)
    except AlreadyRunning:
        print("Viva is already running here.", file=sys.stderr)
        return 3


def serve(settings: Settings, folders: Folders) -> int:
    """Runs until asked to stop. The caller holds the lock."""
    left = end_what_was_left(folders)
    progress = Progress(folders)
    state = State(
        pid=os.getpid(),
        identity=process_identity(os.getpid()),
        address=settings.public_url,
        local_address=settings.local_url,
        tls_cert=str(settings.tls_cert_file or ""),
    )
    write_state(folders, state)
    if left:
        progress.say("detail", f"Ended what a killed start had left: {', '.join(left)}")
    progress.say("step", "Data folder")
    try:
        plan = make_plan(settings, folders)
    except (StartProblem, OSError) as problem:
        progress.say("failed", str(problem))
        progress.say("stopped", "")
        return 1
    return asyncio.run(_supervise(Supervisor(folders=folders, state=state, progress=progress), plan))


async def _supervise(supervisor: Supervisor, plan: list[Program | Step]) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.ask_to_stop)
    return await supervisor.run(plan)


if __name__ == "__main__":
    sys.exit(main())
