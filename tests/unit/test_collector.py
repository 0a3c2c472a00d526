"""The web process's garbage collector passes over what was there at the start, and still finds what became garbage."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TELL = """
import gc, weakref
kept = [[number] for number in range(50_000)]
from backend.collector import ALL, MIDDLE, YOUNG, spare_what_stays
spare_what_stays()
assert gc.isenabled() and gc.get_threshold() == (YOUNG, MIDDLE, ALL)
assert gc.get_freeze_count() > 50_000 > len(gc.get_objects())
class Knot: pass
knot = Knot(); knot.self = knot; gone = weakref.ref(knot); del knot
assert gone() is not None and gc.collect() and gone() is None
print("spared")
"""


def test_what_stays_is_passed_over_and_garbage_is_still_found():
    told = subprocess.run((sys.executable, "-c", TELL), cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.stdout.strip() == "spared", told.stderr


def test_every_web_process_does_it_once_it_is_built():
    for name in ("serve", "serve_eventlet"):
        source = (ROOT / "backend" / f"{name}.py").read_text()
        assert source.index("app = create_app(") < source.index("spare_what_stays()")
