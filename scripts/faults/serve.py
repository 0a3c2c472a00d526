"""The programme's process manager: the product's plan and Supervisor, with our wrappers and proxies in between.

What is different from `make up` comes as one JSON file, FAULT_STACK:
{"proxies": {"database": port ...}, "disk": folder or null, "sync": bool, "without": [program ...], "pause_s": n}.
`disk` is the mount of scripts.faults.disk; sync false is the negative control: a database, and a client, that do not
wait for the disk; `pause_s` is the longest time before what died is started again.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from config.settings import Settings, load_settings
from scripts.faults.proxy import addresses_through
from scripts.services import embedded, supervisor
from scripts.services.memory import Memory, write_private
from scripts.services.plan import make_plan
from scripts.services.program import Folders, Program, StartProblem, Step
from scripts.services.runfiles import Progress, State, locked, process_identity
from scripts.services.supervisor import Supervisor

REPLACED = {
    "backend.serve:app": "scripts.faults.web:app",
    "backend.worker:celery_app": "scripts.faults.jobs:celery_app",
}
Entry = TypeVar("Entry", bound=Program | Step)
LEFT_OUT = ("models", "prompts")  # the programme's ears need none, its prompts are silent
AFTER_MOUNT = str(Path(__file__).with_name("after_mount.py"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    proxies: dict[str, int]
    disk: Path | None
    sync: bool
    without: tuple[str, ...]
    pause_s: float

    @classmethod
    def read(cls, path: Path) -> Self:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        disk = Path(fields["disk"]) if fields["disk"] else None
        return cls(**{**fields, "disk": disk, "without": tuple(fields["without"])})


def main() -> int:
    settings = load_settings(env_file=None, fill_embedded=False)
    folders = Folders(data=settings.viva_data)
    folders.make()
    differences = Differences.read(Path(os.environ["FAULT_STACK"]))
    # A programme that kills on purpose does not wait as long as a product that is dying by itself.
    supervisor.LONGEST_PAUSE_S = differences.pause_s
    supervisor.FIRST_PAUSE_S = min(supervisor.FIRST_PAUSE_S, differences.pause_s)
    progress = Progress(folders)
    with locked(folders):
        state = State(pid=os.getpid(), identity=process_identity(os.getpid()), address=settings.public_url)
        try:
            plan = plan_of(settings, folders, differences)
        except (StartProblem, OSError) as problem:
            progress.say("failed", str(problem))
            return 1
        return asyncio.run(_supervise(Supervisor(folders=folders, state=state, progress=progress), plan))


async def _supervise(kept: Supervisor, plan: list[Program | Step]) -> int:
    import signal

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, kept.ask_to_stop)
    return await kept.run(plan)


def plan_of(settings: Settings, folders: Folders, differences: Differences) -> list[Program | Step]:
    place = differences.disk or folders.data
    memory = Memory(folders.run / "memory.json")
    services = [
        embedded.database(place, memory, cache="128M"),
        embedded.queue(place, memory),
        embedded.object_store(place, memory, region=settings.s3_region, door=embedded.StoreDoor()),
    ]
    direct = {name: address for service in services for name, address in service.addresses.items()}
    write_private(folders.run / "direct.json", json.dumps(direct))
    addresses = {**direct, **addresses_through(direct, differences.proxies)}
    os.environ.update({name.upper(): address for name, address in addresses.items()})
    rest = make_plan(settings.with_values(**addresses), folders)
    programs = [_on_disk(service.program, differences) for service in services]
    left_out = {*LEFT_OUT, *differences.without}
    return [*programs, *(with_our_doubles(entry) for entry in rest if entry.name not in left_out)]


def _on_disk(program: Program, differences: Differences) -> Program:
    command: Sequence[str] = program.command
    if not differences.sync:
        command = [word for word in command if word != "--sync-on-commit"]
    if differences.disk is not None:
        command = (sys.executable, "-S", AFTER_MOUNT, str(differences.disk), *command)
    return replace(program, command=tuple(command))


def with_our_doubles(entry: Entry) -> Entry:
    """The same program or step, with the programme's wrappers in place of the product's applications."""
    return replace(entry, command=tuple(REPLACED.get(word, word) for word in entry.command))


if __name__ == "__main__":
    sys.exit(main())
