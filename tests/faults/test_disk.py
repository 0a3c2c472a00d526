"""The disk that can lose power: what was synced is there after a cut, what was not is gone."""

import os

import pytest

from scripts.faults.stack import PowerDisk, why_no_disk

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("faults")]


@pytest.fixture
def disk(tmp_path):
    why = why_no_disk()
    if why:
        pytest.skip(f"no power cuts here: {why}")
    made = PowerDisk(tmp_path / "disk")
    made.mount()
    yield made
    made.unmount()


def write_and_sync(descriptor: int) -> None:
    os.write(descriptor, b"x")
    os.fsync(descriptor)


def cut(disk):
    disk.cut()
    disk.mount()


def test_a_cut_takes_what_was_not_synced_and_nothing_else(disk):
    with (disk.place / "log").open("wb") as file:
        file.write(b"first ")
        file.flush()
        os.fsync(file.fileno())
        file.write(b"second")
        file.flush()
    assert (disk.place / "log").read_bytes() == b"first second"
    cut(disk)
    assert (disk.place / "log").read_bytes() == b"first "


def test_a_file_that_was_renamed_before_its_sync_comes_back_empty(disk):
    (disk.place / "draft").write_bytes(b"whole")
    (disk.place / "draft").rename(disk.place / "file")
    cut(disk)
    assert (disk.place / "file").read_bytes() == b""
    assert not (disk.place / "draft").exists()


@pytest.mark.parametrize("mood", ["eio", "full"])
def test_a_disk_in_a_bad_mood_fails_and_recovers(disk, mood):
    descriptor = os.open(disk.place / "log", os.O_CREAT | os.O_WRONLY)
    disk.set_mood(mood)
    with pytest.raises(OSError):
        write_and_sync(descriptor)
    disk.set_mood("")
    write_and_sync(descriptor)
    os.close(descriptor)
