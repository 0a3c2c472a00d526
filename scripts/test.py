"""`make test`: lint and the front end's unit tests, then all tests.

What could not run is said in one plain line, and the end is pytest's own summary.

python -m scripts.test [--lint-only] [arguments for pytest]
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from ctypes.util import find_library
from pathlib import Path

from config.settings import PROJECT_ROOT

BIN = Path(sys.executable).parent
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff (rules)", ("ruff", "check", "--quiet", ".")),
    ("ruff (format)", ("ruff", "format", "--check", "--quiet", ".")),
    ("mypy (types)", ("mypy",)),
    ("import-linter (architecture)", ("lint-imports", "--no-cache")),
    ("vitest (the browser side's own tests)", ("npm", "--prefix", "frontend_templates/_client", "test")),
)
WORKERS = "2"


def main(arguments: Sequence[str]) -> int:
    checks_ok = check()
    if "--lint-only" in arguments:
        return 0 if checks_ok else 1
    print(engines(), flush=True)
    install_programs()
    tests_ok = run_tests(arguments, browser=find_chromium())
    if not checks_ok:
        print("A check failed; see above.", file=sys.stderr)
    return 0 if checks_ok and tests_ok else 1


def check() -> bool:
    """Runs all checks, so that one start shows all that is wrong."""
    outcomes = [_check_one(title, command) for title, command in CHECKS]
    return all(outcomes)


def _check_one(title: str, command: Sequence[str]) -> bool:
    began = time.monotonic()
    print(f"  ... {title}", flush=True)
    done = subprocess.run(
        (str(BIN / command[0]), *command[1:]), cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    print(f"  {'ok' if done.returncode == 0 else 'NO'}  {title} ({time.monotonic() - began:.1f} s)", flush=True)
    if done.returncode:
        print((done.stdout + done.stderr).strip(), flush=True)
    return done.returncode == 0


def engines() -> str:
    """Which services the tests will run on."""
    known = {"MONGODB_URI": "embedded SecantusDB", "REDIS_URL": "embedded Valkey", "S3_ENDPOINT": "embedded nanio"}
    parts = [f"{name} as set" if os.environ.get(name) else embedded for name, embedded in known.items()]
    return f"Services of this run: {', '.join(parts)}."


def find_chromium() -> str | None:
    """The browser's path; None when there is none."""
    return next((path for path in (os.environ.get("CHROMIUM", ""), *CHROMIUM) if path and Path(path).exists()), None)


def install_programs() -> None:
    """A browser, a voice for other languages, a file system that can lose power: from Debian, where one is missing and
    we may install."""
    there = {
        "chromium": find_chromium(),
        "espeak-ng": shutil.which("espeak-ng"),
        "libfuse2": find_library("fuse") or find_library("fuse3"),
    }
    missing = [name for name, path in there.items() if path is None]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"Not here: {', '.join(missing)}; what needs them will NOT run. `apt-get install {' '.join(missing)}`.")
        return
    print(f"  ... installing {' and '.join(missing)} from Debian", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", *missing)):
        subprocess.run(("apt-get", *command), env=environment, stdout=subprocess.DEVNULL, check=False)


def run_tests(arguments: Sequence[str], *, browser: str | None) -> bool:
    chosen = [argument for argument in arguments if argument != "--lint-only"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", WORKERS, "--dist", "loadgroup"]
    if browser is None:
        command += ["--ignore", "tests/browser"]
    # A process of tests for each core: threads of scikit-learn that wait for one another would only burn them.
    environment = {**os.environ, "CHROMIUM": browser or "", "OMP_NUM_THREADS": "1"}
    return subprocess.run([*command, *chosen], cwd=PROJECT_ROOT, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
