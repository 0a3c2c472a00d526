"""Who is asking."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    SUPERADMIN = "superadmin"
    CAMPUS = "campus"
    INVIGILATOR = "invigilator"
    STUDENT = "student"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A signed-in person. `campus_id` is None for a superadmin only; a student's account id is the student's id."""

    account_id: str
    role: Role
    campus_id: str | None
    display_name: str

    @property
    def is_superadmin(self) -> bool:
        return self.role is Role.SUPERADMIN

    @property
    def is_campus(self) -> bool:
        return self.role is Role.CAMPUS

    @property
    def is_invigilator(self) -> bool:
        return self.role is Role.INVIGILATOR

    @property
    def is_student(self) -> bool:
        return self.role is Role.STUDENT

    def may_administer(self, campus_id: str) -> bool:
        """Whether this actor runs the campus: its own admins, and every superadmin."""
        return self.is_superadmin or (self.is_campus and self.campus_id == campus_id)
