"""`make status`: what runs in this data folder, and whether it is ready."""

import json
import ssl
import sys
import urllib.error
import urllib.request

from config.settings import Settings, SettingsError, load_settings
from scripts.services.program import Folders
from scripts.services.runfiles import is_running, is_same_process, read_state


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
    return _show_readiness(settings)


def _show_readiness(settings: Settings) -> int:
    host = "127.0.0.1" if settings.viva_host in ("0.0.0.0", "::") else settings.viva_host  # noqa: S104 - compared
    scheme = "https" if settings.uses_tls else "http"
    address = f"{scheme}://{host}:{settings.viva_port}/readyz"
    try:
        with urllib.request.urlopen(address, timeout=10, context=_trusting_itself(settings)) as reply:  # noqa: S310
            body, is_ready = json.load(reply), True
    except urllib.error.HTTPError as refused:
        body, is_ready = json.loads(refused.read() or b"{}"), False
    except (OSError, ValueError) as error:
        print(f"  /readyz does not answer: {error}")
        return 1
    for part, status in sorted(body.get("parts", {}).items()):
        print(f"  {part:10} {status}")
    return 0 if is_ready else 1


def _trusting_itself(settings: Settings) -> ssl.SSLContext | None:
    """The address is loopback; a self-signed certificate is trusted by its file."""
    if not settings.uses_tls:
        return None
    context = ssl.create_default_context(cafile=str(settings.tls_cert_file))
    context.check_hostname = False
    return context


if __name__ == "__main__":
    sys.exit(main())
