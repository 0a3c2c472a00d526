"""Open files: every candidate's connections are some, and many systems give a process 1,024 unless it asks."""

import resource

ENOUGH = 65_536


def allow_many_open_files() -> int:
    """Raises this process's limit, and that of all it starts, to what it may have, at most ENOUGH; the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
