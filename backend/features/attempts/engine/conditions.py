"""What staff granted a student, as the conditions of an attempt."""

from collections.abc import Iterable, Mapping

from backend.features.accommodations.model import Accommodation, in_force
from backend.features.accommodations.repository import Accommodations
from backend.features.attempts.model import Conditions
from backend.features.attempts.repository import GrantedConditions

_MS_A_MINUTE = 60_000


class ConditionsFromAccommodations(GrantedConditions):
    def __init__(self, accommodations: Accommodations) -> None:
        self._accommodations = accommodations

    def find(self, student_id: str) -> Conditions:
        return _conditions(self._accommodations.list_by_student(student_id))

    def list_by_campus(self, campus_id: str) -> Mapping[str, Conditions]:
        by_student: dict[str, list[Accommodation]] = {}
        for each in self._accommodations.list_by_campus(campus_id):
            by_student.setdefault(each.student_id, []).append(each)
        granted = {student_id: _conditions(each) for student_id, each in by_student.items()}
        return {student_id: conditions for student_id, conditions in granted.items() if not conditions.are_usual}


def _conditions(accommodations: Iterable[Accommodation]) -> Conditions:
    measures = in_force(accommodations)
    return Conditions(
        extra_time=measures.extra_time,
        break_ms=measures.break_minutes * _MS_A_MINUTE,
        replays=measures.replays,
        larger_text=measures.larger_text,
        no_silence_end=measures.no_silence_end,
    )
