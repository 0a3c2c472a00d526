"""`make down`: stops everything of this data folder, in reverse order, and waits until it is gone."""

import os
import signal
import sys
import time

from config.settings import SettingsError, load_settings
from scripts.services.program import Folders
from scripts.services.runfiles import end_what_was_left, is_running, is_same_process, read_state

PATIENCE_S = 150


def main() -> int:
    try:
        folders = Folders(data=load_settings(fill_embedded=False).viva_data)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    state = read_state(folders)
    if not is_running(folders) or state is None:
        left = end_what_was_left(folders)
        print(f"Ended what a killed start had left: {', '.join(left)}" if left else "Viva is not running here.")
        return 0
    if is_same_process(state.pid, state.identity):
        os.kill(state.pid, signal.SIGTERM)
    return _wait(folders)


def _wait(folders: Folders) -> int:
    print("Stopping ...", flush=True)
    deadline, shown = time.monotonic() + PATIENCE_S, ""
    while is_running(folders):
        state = read_state(folders)
        names = ", ".join(state.processes) if state else ""
        if names != shown and names:
            print(f"  still running: {names}", flush=True)
            shown = names
        if time.monotonic() > deadline:
            print("It does not stop; see `make logs`.", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
