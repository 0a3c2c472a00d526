"""Scoring gives way to the pages, also where the kernel shares the processor out by session."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.politeness import AUTOGROUP, POLITENESS

TELL = """
import os
from backend.politeness import AUTOGROUP, give_way
give_way()
print(os.nice(0), AUTOGROUP.read_text())
"""
ROOT = Path(__file__).resolve().parents[2]


def niceness_of(*, own_session):
    told = subprocess.run(
        (sys.executable, "-c", TELL),
        cwd=ROOT,
        start_new_session=own_session,
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.split()


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel does not group processes by session")
def test_a_session_of_its_own_gives_way_as_a_whole():
    nice, *_, of_the_group = niceness_of(own_session=True)
    assert int(nice) == min(19, os.nice(0) + POLITENESS)
    assert int(of_the_group) == POLITENESS


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel does not group processes by session")
def test_somebody_elses_session_is_left_alone():
    before = AUTOGROUP.read_text()  # empty where this session is in no group, as under some CI runners
    middle = f"import subprocess, sys; subprocess.run((sys.executable, '-c', {TELL!r}), check=True)"
    subprocess.run((sys.executable, "-c", middle), cwd=ROOT, capture_output=True, check=True)
    assert AUTOGROUP.read_text() == before
