"""Jobs that wait in a list until a test runs or drops them."""

from collections.abc import Callable, Mapping

from backend.core.ports import Jobs

Job = tuple[str, tuple[str, ...]]


class MemoryJobs(Jobs):
    def __init__(self) -> None:
        self.waiting_jobs: list[Job] = []

    def enqueue(self, job: str, *args: str, delay_s: float = 0) -> None:  # noqa: ARG002 - time stands still here
        self.waiting_jobs.append((job, args))

    def waiting(self, job: str) -> int:
        return sum(name == job for name, _ in self.waiting_jobs)

    def take(self) -> list[Job]:
        """All waiting jobs, oldest first; none wait afterwards."""
        taken, self.waiting_jobs = self.waiting_jobs, []
        return taken

    def run(self, tasks: Mapping[str, Callable[..., object]]) -> int:
        """Runs what waits, and what that enqueues, with the tasks by name; says how many ran."""
        ran = 0
        while self.waiting_jobs:
            name, args = self.waiting_jobs.pop(0)
            tasks[name](*args)
            ran += 1
        return ran
