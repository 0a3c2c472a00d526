"""docs/pains.md: every known complaint about exam systems names the tests that fail if ours gets it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "pains.md"
CLIENT = ROOT / "frontend_templates" / "_client" / "tests"
EVERY_PAIN = range(1, 26)
ROW = re.compile(r"^\| (\d+) \|.*\| (.*) \|$", re.MULTILINE)
HELD_BY = re.compile(r"`([^`]+\.(?:py|ts))::([^`]+)`")


def named_tests():
    return {int(number): HELD_BY.findall(cell) for number, cell in ROW.findall(PAGE.read_text())}


def exists(file, test):
    if file.endswith(".ts"):
        return f'"{test}"' in (CLIENT / file).read_text()
    return re.search(rf"def {test}\(", (ROOT / "tests" / file).read_text()) is not None


def test_every_pain_has_a_test():
    named = named_tests()
    assert sorted(named) == list(EVERY_PAIN)
    assert [number for number, tests in named.items() if not tests] == []


def test_every_test_named_is_there():
    named = [each for tests in named_tests().values() for each in tests]
    assert [f"{file}::{test}" for file, test in named if not exists(file, test)] == []
