"""`make status`: what runs in this data folder, and whether it is ready."""

import json
import ssl
import sys
import urllib.error
import urllib.request

from config.settings import SettingsError, load_settings
from scripts.services.program import Folders
from scripts.services.runfiles import State, is_running, is_same_process, read_state


def main() -> int:
    try:
        settings = load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    folders = Folders(data=settings.viva_data)
    state = read_state(folders)
    if state is None or not is_running(folders):
        print("Viva is not running here: `make up` starts it.")
        return 1
    print(f"Viva is running: {state.address} (data in {folders.data})")
    for name, entry in state.processes.items():
        alive = is_same_process(entry["pid"], entry["identity"])
        print(f"  {name:10} {entry['pid']:>8} {'running' if alive else 'starting again'}")
    return show_readiness(state)


def show_readiness(state: State) -> int:
    """What runs here is asked where it said that it listens: this command's own settings may be of another start."""
    address = f"{state.local_address or state.address}/readyz"
    try:
        with urllib.request.urlopen(address, timeout=10, context=_trusting_itself(state)) as reply:  # noqa: S310
            body, is_ready = json.load(reply), True
    except urllib.error.HTTPError as refused:
        body, is_ready = json.loads(refused.read() or b"{}"), False
    except (OSError, ValueError) as error:
        print(f"  /readyz does not answer: {error}")
        return 1
    for part, status in sorted(body.get("parts", {}).items()):
        print(f"  {part:10} {status}")
    return 0 if is_ready else 1


def _trusting_itself(state: State) -> ssl.SSLContext | None:
    """The address is this machine's own; a self-signed certificate is trusted by its file."""
    if not state.tls_cert:
        return None
    context = ssl.create_default_context(cafile=state.tls_cert)
    context.check_hostname = False
    return context


if __name__ == "__main__":
    sys.exit(main())
