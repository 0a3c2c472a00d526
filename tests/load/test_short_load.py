"""`make load`, short: whole exams over HTTP, checked from the records."""

import json
import subprocess
import sys

import pytest

from tests.support.source import ROOT

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.xdist_group("load"), pytest.mark.timeout(300)]


def test_every_acknowledged_answer_of_twenty_whole_exams_is_stored():
    command = (sys.executable, "-m", "scripts.load", "--candidates", "20", "--duration", "12", "--workers", "1")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)

    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["errors"] == 0
    assert found["acked"] >= 20 * 9, "eight recordings and at least one save of each"
    assert found["p99_ack_ms"] > 0
