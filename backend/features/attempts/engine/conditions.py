"""What staff granted a student, as the conditions of an attempt."""

from backend.features.accommodations.model import in_force
from backend.features.accommodations.repository import Accommodations
from backend.features.attempts.model import Conditions
from backend.features.attempts.repository import GrantedConditions

_MS_A_MINUTE = 60_000


class ConditionsFromAccommodations(GrantedConditions):
    def __init__(self, accommodations: Accommodations) -> None:
        self._accommodations = accommodations

    def find(self, student_id: str) -> Conditions:
        measures = in_force(self._accommodations.list_by_student(student_id))
        return Conditions(
            extra_time=measures.extra_time,
            break_ms=measures.break_minutes * _MS_A_MINUTE,
            replays=measures.replays,
            larger_text=measures.larger_text,
        )
