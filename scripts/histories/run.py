"""Many histories, each from its own seed: the same seed is the same history, to be run again alone."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from backend.core.errors import AppError
from scripts.histories.world import Died, World

Step = Callable[[World], None]


def _of_a_page(name: str) -> Step:
    def step(world: World) -> None:
        getattr(world, name)(world.some_page())

    return step


def _toggle_network(world: World) -> None:
    page = world.some_page()
    page.is_online = not page.is_online


# What happens, and how often.
STEPS: tuple[tuple[Step, int], ...] = (
    (World.wait, 25),
    (_of_a_page("move"), 30),
    (_of_a_page("answer"), 16),
    (_of_a_page("come_back"), 4),
    (_of_a_page("resend"), 4),
    (_of_a_page("forge"), 4),
    (_of_a_page("enter"), 3),
    (_of_a_page("begin"), 4),
    (_of_a_page("rest"), 2),
    (_of_a_page("go_on"), 2),
    (_of_a_page("hear_again"), 2),
    (_toggle_network, 5),
    (World.control, 6),
    (World.sweep, 4),
    (_of_a_page("be_cut_off"), 1),
    (World.settle, 4),
    (World.pass_deadline, 1),
)
_ACTS, _WEIGHTS = [step for step, _ in STEPS], [weight for _, weight in STEPS]
_LONGEST = 60
_CRASH_SHARE = 0.04


@dataclass(slots=True)
class Tally:
    """What a run did and found. `broken` by kind; `failed` names the first seeds with what broke there."""

    histories: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


def play(seed: str) -> World:
    """One history, from before the opening to long after its end."""
    world = World(random.Random(seed))  # noqa: S311 - a history, not a secret
    _attempt_step(world, lambda: world.enter(world.pages[0]))
    if world.dice.random() < 0.9:
        world.now += (world.delivery.opens_at - world.now) * world.dice.choice((1, 1, 5))
        _attempt_step(world, lambda: world.begin(world.pages[0]))
    for _ in range(world.dice.randrange(10, _LONGEST)):
        step = world.dice.choices(_ACTS, _WEIGHTS)[0]
        if world.dice.random() < _CRASH_SHARE:
            world.doom()
        _attempt_step(world, lambda step=step: step(world))  # type: ignore[misc] # bound at once
    world.finish()
    return world


def _attempt_step(world: World, step: Callable[[], None]) -> None:
    world.counts["steps"] += 1
    try:
        step()
    except Died:
        world.counts["crashes"] += 1
    except AppError:
        world.counts["refused"] += 1


def run(count: int, *, seed: str) -> Tally:
    tally = Tally()
    for number in range(count):
        name = f"{seed}:{number}"
        world = play(name)
        tally.histories += 1
        tally.counts.update(world.counts)
        tally.broken.update(world.checker.broken)
        last = world.attempt
        tally.ends["none" if last is None else last.state.value] += 1
        if world.checker.notes and len(tally.failed) < 20:
            tally.failed.append(f"{name}: {'; '.join(world.checker.notes)}")
    return tally
