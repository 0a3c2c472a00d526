"""`make up`: starts everything, shows progress, ends with the address and, once, the link for the first superadmin.

FOREGROUND=1 stays until Ctrl-C, which then stops everything. Ctrl-C during the start always stops what was started.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time

from config.settings import PROJECT_ROOT, Settings, SettingsError, load_settings
from scripts.services.program import Folders
from scripts.services.runfiles import Note, is_running, read_notes, read_state


def main() -> int:
    try:
        settings = load_settings(fill_embedded=False)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    folders = Folders(data=settings.viva_data)
    folders.make()
    if is_running(folders):
        return _show_running(folders)
    with contextlib.suppress(FileNotFoundError):
        (folders.run / "progress.jsonl").unlink()
    manager = _start_manager(folders)
    try:
        outcome = Follower(folders, manager).follow()
        if outcome == 0:
            show_address(settings)
        if outcome == 0 and os.environ.get("FOREGROUND") not in (None, "", "0"):
            print("Ctrl-C stops everything.", flush=True)
            manager.wait()
    except KeyboardInterrupt:
        print("\nStopping what was started ...", flush=True)
        manager.send_signal(signal.SIGTERM)
        manager.wait()
        return 130
    return outcome


def _start_manager(folders: Folders) -> "subprocess.Popen[bytes]":
    """The process manager in a session of its own, so that it outlives this terminal and does not see its Ctrl-C."""
    with (folders.logs / "start.log").open("ab") as log:
        return subprocess.Popen(
            (sys.executable, "-m", "scripts.serve"),
            cwd=PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


class Follower:
    """Shows the progress notes of a start: a line for each step, and on a terminal what it does at the moment."""

    def __init__(self, folders: Folders, manager: "subprocess.Popen[bytes]") -> None:
        self._folders, self._manager = folders, manager
        self._is_terminal = sys.stdout.isatty()
        self._title, self._began, self._shown_at = "", time.monotonic(), 0.0

    def follow(self) -> int:
        """0 when everything runs; 1 after a failed start, whose processes are gone by then."""
        offset, failed = 0, False
        while True:
            notes, offset = read_notes(self._folders, offset)
            for note in notes:
                if note.kind == "ready":
                    self._end_step()
                    return 0
                failed |= note.kind == "failed"
                self._show(note)
            if self._manager.poll() is not None and not notes:
                if not failed:
                    print(f"The start ended early; see {self._folders.logs}/start.log", file=sys.stderr)
                return 1
            time.sleep(0.1)

    def _show(self, note: Note) -> None:
        if note.kind == "step":
            self._end_step()
            self._title, self._began = note.text, time.monotonic()
            if self._is_terminal:
                print(f"  ... {note.text}", end="", flush=True)
        elif note.kind == "detail":
            self._show_detail(note.text)
        elif note.kind == "failed":
            print(f"\n{note.text}", file=sys.stderr, flush=True)

    def _show_detail(self, text: str) -> None:
        if self._is_terminal:
            print(f"\r\033[K  ... {self._title}: {text[:90]}", end="", flush=True)
        elif time.monotonic() - self._shown_at > 5:
            self._shown_at = time.monotonic()
            print(f"      {text[:110]}", flush=True)

    def _end_step(self) -> None:
        if self._title:
            start = "\r\033[K" if self._is_terminal else ""
            print(f"{start}  ok  {self._title} ({time.monotonic() - self._began:.1f} s)", flush=True)
        self._title = ""


def _show_running(folders: Folders) -> int:
    state = read_state(folders)
    notes, _ = read_notes(folders, 0)
    if any(note.kind == "ready" for note in notes) and state:
        print(f"Viva is already running: {state.address}")
        print("`make down` stops it, `make logs` shows what it does.")
        return 0
    print("Another start is under way here; `make logs` follows it, `make down` stops it.")
    return 1


def show_address(settings: Settings) -> None:
    """The address, and the link for the first superadmin while there is none."""
    print(f"\nViva is running: {settings.public_url}", flush=True)
    asked = subprocess.run(
        (sys.executable, "-m", "scripts.first_superadmin"),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        print("The link for the first superadmin could not be made: `make superadmin` tries again.", file=sys.stderr)
        print((asked.stderr.strip().splitlines() or [""])[-1], file=sys.stderr)
    elif asked.stdout.strip():
        print(asked.stdout.strip())
    print("Mail without a mail service is at /outbox. `make down` stops it, `make logs` shows what it does.")


if __name__ == "__main__":
    sys.exit(main())
