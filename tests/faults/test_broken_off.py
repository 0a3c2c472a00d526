"""A drill that breaks off in its middle: nothing that it started lives on."""

import json
import subprocess
import sys

import pytest

from scripts.services.runfiles import is_same_process
from tests.support.source import ROOT

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.xdist_group("faults"), pytest.mark.timeout(600)]


def test_neither_workers_that_stand_still_nor_a_job_in_its_middle_live_on(tmp_path):
    command = (sys.executable, "-W", "ignore", "-m", "tests.support.break_off", str(tmp_path))
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=550)
    assert "ZeroDivisionError" in run.stderr, run.stderr[-3000:]
    started = json.loads(run.stdout.splitlines()[-1])
    assert len(started) > 9
    assert [pid for pid, identity in started.items() if is_same_process(int(pid), identity)] == []
