"""The faults by name. `strike` does the harm, undoes it, and says from when on recovery counts."""

import time
from collections.abc import Callable
from datetime import timedelta

from scripts.faults import office
from scripts.faults.campus import ADMIN
from scripts.faults.candidate import Habits
from scripts.faults.crash_drills import crash_jobs, crash_mail, crash_web
from scripts.faults.drill import Drill, Fault
from scripts.faults.mail_double import MailMode
from scripts.faults.proxy import Mode
from scripts.faults.replays import REPLAY
from scripts.faults.stack import CARELESS, ON_DISK
from scripts.faults.storms import STORMS

BAD_MODES: tuple[Mode, ...] = ("refuse", "reset", "stall", "half_close")
KILLABLE = ("web", "worker", "scorer", "clock", "beat", "database", "queue", "objects")


def kill(*names: str) -> Callable[[Drill], float]:
    def strike(drill: Drill) -> float:
        drill.stack.kill(*names)
        return time.monotonic()

    return strike


def kill_any(drill: Drill) -> float:
    """Two to four programs at once."""
    drill.stack.kill(*drill.random.sample(KILLABLE, drill.random.randint(2, 4)))
    return time.monotonic()


def kill_child_of(name: str) -> Callable[[Drill], float]:
    def strike(drill: Drill) -> float:
        drill.stack.kill_child(name)
        return time.monotonic()

    return strike


def cut_power(drill: Drill) -> float:
    drill.stack.cut_power()
    return time.monotonic()


def freeze(name: str, for_s: float) -> Callable[[Drill], float]:
    def strike(drill: Drill) -> float:
        drill.stack.freeze(name)
        time.sleep(for_s)
        drill.stack.thaw(name)
        return time.monotonic()

    return strike


def through(part: str, mode: Mode, for_s: float, *, delay_s: float = 0.3, every: int = 3) -> Callable[[Drill], float]:
    def strike(drill: Drill) -> float:
        drill.stack.proxies[part].set(mode, delay_s=delay_s, every=every)
        time.sleep(for_s)
        drill.stack.proxies[part].set("pass")
        return time.monotonic()

    return strike


def mood(words: str, for_s: float) -> Callable[[Drill], float]:
    def strike(drill: Drill) -> float:
        drill.stack.set_mood(words)
        time.sleep(for_s)
        drill.stack.set_mood("")
        return time.monotonic()

    return strike


def nothing(for_s: float) -> Callable[[Drill], float]:
    def strike(drill: Drill) -> float:  # noqa: ARG001 - as all of them
        time.sleep(for_s)
        return time.monotonic()

    return strike


def pass_the_deadline(*killed: str) -> Callable[[Drill], float]:
    """What is killed dies a second before the window closes; clients go on asking for some seconds after it."""

    def strike(drill: Drill) -> float:
        closes_s = drill.cast.deliveries[0].closes_at.timestamp()
        time.sleep(max(0.0, closes_s - 1 - time.time()))
        if killed:
            drill.stack.kill(*killed)
        time.sleep(max(0.0, closes_s + 5 - time.time()))
        return time.monotonic()

    return strike


def _deadlines() -> list[Fault]:
    def fault(name: str, title: str, strike: Callable[[Drill], float]) -> Fault:
        return Fault(
            name=name,
            title=title,
            strike=strike,
            rounds=1,
            habits=Habits(pace_s=0.5),
            open_for=timedelta(seconds=20),
            deliveries=1,
        )

    return [
        fault("deadline", "the deadline passes", pass_the_deadline()),
        fault(
            "deadline_all_dead",
            "every process of ours is dead at the deadline",
            pass_the_deadline("web", "worker", "scorer", "clock", "beat"),
        ),
    ]


def _kills() -> list[Fault]:
    single = [Fault(name=f"kill_{name}", title=f"kill -9 of {name}", strike=kill(name), rounds=4) for name in KILLABLE]
    return [
        *single,
        Fault(name="kill_web_child", title="kill -9 of one web worker", strike=kill_child_of("web"), rounds=4),
        Fault(name="kill_scorer_child", title="kill -9 while scoring", strike=kill_child_of("scorer"), rounds=4),
        Fault(name="kill_several", title="kill -9 of several at once", strike=kill_any, rounds=4),
        Fault(name="kill_all", title="kill -9 of everything", strike=kill(*KILLABLE), rounds=2),
    ]


def _lines() -> list[Fault]:
    faults = []
    for part, words in (("database", "database"), ("queue", "Redis"), ("objects", "object store")):
        faults += [
            Fault(name=f"{part}_{mode}", title=f"{words}: {mode}", strike=through(part, mode, 4.0), rounds=1)
            for mode in BAD_MODES
        ]
        faults.append(
            Fault(
                name=f"{part}_slow",
                title=f"{words}: slow",
                strike=through(part, "slow", 4.0, delay_s=0.15),
                rounds=1,
            )
        )
        faults.append(Fault(name=f"{part}_frozen", title=f"{words} frozen", strike=freeze(part, 4.0), rounds=1))
    return faults


def _candidates() -> list[Fault]:
    def door(mode: Mode, for_s: float) -> Callable[[Drill], float]:
        return through("door", mode, for_s)

    return [
        Fault(name="client_cut_off", title="clients cut off", strike=door("refuse", 8.0), rounds=2),
        Fault(name="client_reset", title="clients' lines reset", strike=door("reset", 3.0), rounds=2),
        Fault(name="client_stalled", title="clients' lines stall", strike=door("stall", 6.0), rounds=1),
        Fault(name="client_half_closed", title="replies cut in half", strike=door("half_close", 4.0), rounds=2),
        Fault(name="client_replies_lost", title="every third reply lost", strike=door("lose_reply", 8.0), rounds=2),
        Fault(
            name="client_twice",
            title="everything sent twice at once",
            strike=nothing(6.0),
            rounds=1,
            habits=Habits(twins=True),
        ),
        Fault(
            name="client_shuffled",
            title="late and out of order",
            strike=door("lose_reply", 6.0),
            rounds=1,
            habits=Habits(shuffles=True, parts=3),
        ),
        Fault(
            name="clock_ahead",
            title="clients' clocks 5 h ahead",
            strike=nothing(4.0),
            rounds=1,
            habits=Habits(skew_s=18_000),
        ),
        Fault(
            name="clock_behind",
            title="clients' clocks 5 h behind",
            strike=nothing(4.0),
            rounds=1,
            habits=Habits(skew_s=-18_000),
        ),
    ]


def _disks() -> list[Fault]:
    return [
        Fault(name="power_cut", title="power cut of the stores", strike=cut_power, rounds=6, setup=ON_DISK),
        Fault(name="disk_fsync_fails", title="fsync fails (EIO)", strike=mood("eio", 3.0), rounds=2, setup=ON_DISK),
        Fault(name="disk_full", title="disk full", strike=mood("full", 3.0), rounds=2, setup=ON_DISK),
        Fault(name="disk_slow", title="fsync takes 0.3 s", strike=mood("slow 0.3", 5.0), rounds=1, setup=ON_DISK),
    ]


def _crashes() -> list[Fault]:
    return [
        Fault(
            name="crash_web",
            title="web dies at each database and HTTP call of each request",
            strike=crash_web,
            rounds=1,
            clients=8,
            deliveries=10,
            sits=False,
        ),
        Fault(
            name="crash_jobs",
            title="a worker dies at each call of scoring, review, settling, mailing",
            strike=crash_jobs,
            rounds=1,
            clients=8,
            deliveries=4,
            then=crash_mail,
        ),
    ]


def mail_while(mode: MailMode, *, kills: str = "") -> Callable[[Drill], None]:
    """The results are mailed while the provider misbehaves; it comes to its senses after a while."""

    def then(drill: Drill) -> None:
        drill.stack.mail.mode = mode
        drill.mails_planned = office.plan_mails(drill.stack, ADMIN, drill.delivery_ids)
        for _ in range(3 if kills else 1):
            time.sleep(1.5)
            if kills:
                drill.stack.kill(kills)
        drill.stack.mail.mode = "ok"
        drill.mail_drained_s = office.wait_for_mail(drill.stack, drill.delivery_ids)

    return then


def _mails() -> list[Fault]:
    def fault(name: str, title: str, then: Callable[[Drill], None]) -> Fault:
        return Fault(name=name, title=title, strike=nothing(1.0), rounds=1, then=then)

    return [
        fault("mail_busy", "mail provider busy (429)", mail_while("busy")),
        fault("mail_500_after_accepting", "mail provider: 500 after accepting", mail_while("deaf")),
        fault("mail_breaks", "mail provider breaks the line after accepting", mail_while("broken")),
        fault("mail_worker_killed", "kill -9 of the worker while mailing", mail_while("slow", kills="worker")),
    ]


CONTROL = Fault(
    name="control",
    title="NEGATIVE CONTROL: power cut without sync",
    strike=cut_power,
    rounds=2,
    setup=CARELESS,
    must_lose=True,
)

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        *_kills(),
        *_deadlines(),
        *_lines(),
        *_candidates(),
        *_mails(),
        *_crashes(),
        *_disks(),
        REPLAY,
        *STORMS,
        CONTROL,
    )
}
