"""What a killed object store leaves behind does not stand in the next one's way."""

from pathlib import Path

import pytest
from nanio.storage.paths import atomic_write, metadata_path

from scripts.services.object_store import discard_unfinished


def test_a_key_whose_write_was_cut_off_can_be_written_after_the_next_start(tmp_path: Path) -> None:
    key = "evidence/campus/906cd50c"
    (tmp_path / "viva/evidence/campus").mkdir(parents=True)
    (tmp_path / "viva" / key).write_bytes(b"what is stored")
    (tmp_path / "viva/evidence/campus/an-object.tmp").write_bytes(b"a key may end so")
    target = metadata_path(tmp_path, "viva", key)
    target.parent.mkdir(parents=True)
    target.with_suffix(target.suffix + ".tmp").write_bytes(b"")
    with pytest.raises(FileExistsError), atomic_write(target):
        pass

    assert discard_unfinished(tmp_path) == 1
    with atomic_write(target):
        pass
    assert target.exists()
    assert (tmp_path / "viva" / key).read_bytes() == b"what is stored"
    assert (tmp_path / "viva/evidence/campus/an-object.tmp").exists()
    assert discard_unfinished(tmp_path) == 0
