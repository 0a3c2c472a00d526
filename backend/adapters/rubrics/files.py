"""The rubrics that are files: `config/rubrics/*.yaml`, read once a process."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import yaml

from backend.core.errors import PermanentFailure
from backend.scoring.rubrics import Rubric, rubric_for, rubric_from_dict
from config.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "config" / "rubrics"


class FileRubrics:
    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    @cached_property
    def _all(self) -> Sequence[Rubric]:
        paths = sorted(self._folder.glob("*.yaml"))
        return [rubric_from_dict(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in paths]

    def find_for(self, task: str) -> Rubric | None:
        return rubric_for(task, self._all)

    def get(self, rubric_id: str, version: str) -> Rubric:
        for rubric in self._all:
            if (rubric.id, rubric.version) == (rubric_id, version):
                return rubric
        raise PermanentFailure("rubric_missing")
