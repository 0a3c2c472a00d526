"""Deaths by the thousand: kill -9 of one process after the other, and power cuts of the stores alone.

The web processes are forks of one that has imported everything, so a new one serves within milliseconds. Whenever a
store dies, the web processes die with it, and what was acknowledged until then is looked up before anybody goes on.
"""

import random
import time
from dataclasses import replace

from scripts.faults import office
from scripts.faults.campus import ADMIN
from scripts.faults.candidate import Habits
from scripts.faults.drill import Drill, Fault
from scripts.faults.stack import CARELESS_STORES, FORKED, STORE_NAMES, STORES

HABITS = Habits(pace_s=0.004, retry_s=0.02, answers_an_item=40)
# Of a thousand kills; the others hit a web process.
PROGRAMS_OF_1000 = {"database": 12, "objects": 8, "queue": 3, "clock": 2}
CHILDREN_OF_1000 = {"scorer": 40, "worker": 20}
MAIL_KILLS = 10


def kill_next(drill: Drill) -> float:
    """A web process, mostly; at times a store, the clock, or a worker in the middle of its job."""
    victim = _choose(drill.random)
    if victim in PROGRAMS_OF_1000:
        return _kill_program(drill, victim)
    if victim not in CHILDREN_OF_1000 or not drill.stack.kill_child(victim):
        return kill_web_process(drill)
    return time.monotonic()


def _choose(chance: random.Random) -> str:
    shares = {**PROGRAMS_OF_1000, **CHILDREN_OF_1000}
    shares["web"] = 1_000 - sum(shares.values())
    return chance.choices(list(shares), list(shares.values()))[0]


def kill_web_process(drill: Drill) -> float:
    drill.stack.forks.kill(drill.random.choice(drill.stack.forks.pids))
    died_s = time.monotonic()
    drill.stack.forks.fork()
    drill.spent("fork", time.monotonic() - died_s)
    return died_s


def _kill_program(drill: Drill, name: str) -> float:
    drill.stack.kill(name)
    drill.stack.forks.kill_all()
    _return_and_inspect(drill, name)
    return time.monotonic()


def cut_power_of_stores(drill: Drill) -> float:
    """Stores and web processes are gone at once, and so is what was not synced."""
    began = time.monotonic()
    drill.stack.cut_power()
    drill.stack.forks.kill_all()
    drill.spent("disk", time.monotonic() - began)
    _return_and_inspect(drill, *STORE_NAMES)
    return time.monotonic()


def _return_and_inspect(drill: Drill, *died: str) -> None:
    for name, seconds in drill.stack.wait_for_stores().items():
        if name in died:
            drill.spent(name, seconds)
    drill.inspect()
    drill.stack.forks.fork(drill.fault.forks)


def mail_while_workers_die(drill: Drill) -> None:
    drill.mails_planned = office.plan_mails(drill.stack, ADMIN, drill.delivery_ids)
    for _ in range(MAIL_KILLS):
        time.sleep(drill.random.uniform(0.1, 0.6))
        drill.stack.kill_child("worker")
    drill.mail_drained_s = office.wait_for_mail(drill.stack, drill.delivery_ids)


KILL_STORM = Fault(
    name="kill_storm",
    title="kill -9 by the thousand: web processes, at times a store or a worker",
    strike=kill_next,
    rounds=300,
    pause_s=(0.0, 0.05),
    clients=6,
    habits=HABITS,
    setup=FORKED,
    forks=3,
    leg=500,
    deliveries=60,
    then=mail_while_workers_die,
)
POWER_STORM = Fault(
    name="power_storm",
    title="power cuts by the thousand, of the stores alone",
    strike=cut_power_of_stores,
    rounds=20,
    pause_s=(0.0, 0.5),
    clients=6,
    habits=HABITS,
    setup=STORES,
    forks=2,
    leg=50,
    deliveries=60,
)
POWER_STORM_CONTROL = replace(
    POWER_STORM,
    name="power_storm_control",
    title="NEGATIVE CONTROL: the same without sync",
    rounds=10,
    setup=CARELESS_STORES,
    must_lose=True,
)
STORMS = (KILL_STORM, POWER_STORM, POWER_STORM_CONTROL)
