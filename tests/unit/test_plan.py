"""What the process manager runs, for given settings."""

import pytest

from config.settings import Settings
from scripts.services import plan
from scripts.services.memory import write_private
from scripts.services.program import Folders


@pytest.fixture
def programs(tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.services.plan.os.environ", {})
    folders = Folders(data=tmp_path / "data")
    folders.make()
    addresses = {
        "mongodb_uri": "mongodb://127.0.0.1:20001",
        "redis_url": "redis://127.0.0.1:20002",
        "s3_endpoint": "http://127.0.0.1:20003",
        "s3_access_key": "a",
        "s3_secret_key": "s",
    }
    monkeypatch.setattr(plan, "is_free", lambda host, port: True)
    settings = Settings().with_values(viva_data=folders.data, log_level="ERROR", **addresses)
    return {entry.name: entry for entry in plan.make_plan(settings, folders)}


def test_workers_tell_that_they_are_ready_whatever_the_level_of_the_logs(programs):
    """Celery says "ready." as information: at LOG_LEVEL=WARNING the start waited for it for ever."""
    for name in ("scorer", "worker"):
        command = programs[name].command
        assert programs[name].ready_text == "ready."
        assert command[command.index("--loglevel") + 1] == "INFO"


def test_what_must_outlive_a_power_cut_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    synced: list[int] = []
    monkeypatch.setattr("scripts.services.memory.os.fsync", synced.append)
    write_private(tmp_path / "memory.json", "{}")
    assert len(synced) == 1
    assert (tmp_path / "memory.json").read_text() == "{}"
