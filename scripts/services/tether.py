"""Runs a command that dies with its parent: `python tether.py <command> ...`.

A kill -9 of the process manager then leaves no orphan where the kernel can promise it (Linux); elsewhere the next start
finds what was left by its recorded process ids.
"""

import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(number: signal.Signals) -> None:
    """This process gets that signal as soon as its parent is gone."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)


def main() -> None:
    parent = os.getppid()
    die_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the point of this file


if __name__ == "__main__":
    main()
