"""Work that gives way to the pages when both share a machine."""

import os
from pathlib import Path

POLITENESS = 10
AUTOGROUP = Path("/proc/self/autogroup")


def give_way() -> None:
    """Makes this process nice. On Linux also its session: where the kernel groups processes by session, as desktop and
    server kernels do by default, a nice value counts only within its own session, and each of our processes leads one
    (`man 7 sched`, "The autogroup feature"). Somebody else's session, a shell's or a test's, is left alone."""
    os.nice(POLITENESS)
    if os.getsid(0) not in (os.getpid(), os.getppid()):
        return
    try:
        AUTOGROUP.write_text(str(POLITENESS))
    except OSError:
        return  # no such grouping here: the nice value alone counts
