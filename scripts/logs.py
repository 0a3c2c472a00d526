"""`make logs`: follows what the processes of this data folder write; NAME=web for one of them."""

import contextlib
import subprocess
import sys

from config.settings import SettingsError, load_settings
from scripts.services.program import Folders


def main() -> int:
    try:
        folders = Folders(data=load_settings(fill_embedded=False).viva_data)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    files = sorted(folders.logs.glob(f"{sys.argv[1] if len(sys.argv) > 1 else '*'}.log"))
    if not files:
        print("There are no logs here yet: `make up` starts Viva.", file=sys.stderr)
        return 1
    with contextlib.suppress(KeyboardInterrupt):
        subprocess.run(("tail", "-n", "40", "-F", *map(str, files)), check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
