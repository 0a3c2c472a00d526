"""What processes cost: CPU seconds and memory, from /proc. Only on Linux; elsewhere everything is zero."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """`cpu_s`: user and system time so far; `memory_bytes`: resident now."""

    cpu_s: float
    memory_bytes: int


def cost_of(leader: int) -> Cost:
    """Of a process and everything below it that still runs."""
    costs = [_read(pid) for pid in _family(leader)]
    return Cost(cpu_s=sum(cost.cpu_s for cost in costs), memory_bytes=sum(cost.memory_bytes for cost in costs))


def costs_of(groups: Mapping[str, int]) -> dict[str, Cost]:
    return {name: cost_of(leader) for name, leader in groups.items()}


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> str:
    """The machine in one line, for the report."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    memory = os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES / 2**30
    return f"{cores()} cores {model}, {memory:.0f} GiB"


def _family(pid: int) -> Iterator[int]:
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _read(pid: int) -> Cost:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return Cost(cpu_s=0, memory_bytes=0)
    return Cost(cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND, memory_bytes=int(fields[21]) * _PAGE_BYTES)
