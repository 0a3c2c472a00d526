"""What we need from storage, and of the rubrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.features.audit.repository import AuditLog
from backend.features.items.repository import Items
from backend.features.raters.model import Rating, RatingPlan
from backend.features.ratings.repository import Desk
from backend.scoring.rubrics import Rubric


class Ratings(Protocol):
    """Append-only: a rating is never changed."""

    def add(self, rating: Rating) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def find(self, rating_id: str) -> Rating | None: ...

    def list_by_response(self, response_id: str) -> Sequence[Rating]: ...

    def list_by_delivery(self, delivery_id: str) -> Sequence[Rating]: ...

    def list_deliveries_since(self, moment: datetime) -> Sequence[str]:
        """Deliveries in which somebody rated at that moment or later, each once, by id."""


class RatingPlans(Protocol):
    """Writes are compare-and-set on `revision`."""

    def find(self, delivery_id: str) -> RatingPlan | None: ...

    def add(self, plan: RatingPlan) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def save(self, plan: RatingPlan, *, seen: RatingPlan) -> bool: ...


class Rubrics(Protocol):
    def find_for(self, task: str) -> Rubric | None:
        """The newest rubric for a kind of item; None: people do not rate it."""

    def get(self, rubric_id: str, version: str) -> Rubric:
        """A rubric as a rating names it. Raises PermanentFailure("rubric_missing")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatersDesk:
    """What rating works on."""

    desk: Desk
    ratings: Ratings
    plans: RatingPlans
    rubrics: Rubrics
    items: Items
    audit_log: AuditLog
