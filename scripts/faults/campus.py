"""Who takes part in drills: one campus, fresh candidates for every drill, deliveries of one attempt each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from backend.core.actor import Actor, Role
from backend.core.ids import random_id
from backend.features.assessments.model import Delivery, DeliveryState
from backend.features.batches.model import Batch, BatchState
from backend.features.campuses.model import Campus
from backend.wiring import Services
from scripts.faults.mail_double import DOMAIN
from scripts.load.campus import BATCH, CAMPUS, COURSE, Doorman, Pass, make_account, make_student, prepare_items

FORMAT = "fault_drill"
BANK = Path(__file__).with_name("bank")
ADMIN = "fault-admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    deliveries: Sequence[Delivery]
    candidates: Sequence[Pass]


class Drillground:
    """Prepared once a stack."""

    def __init__(self, services: Services) -> None:
        self._services, self._doorman = services, Doorman(services)
        prepare_items(services, bank_of_run=BANK)
        now = services.now()
        services.campuses.add(Campus(id=CAMPUS, name="Drill", slug="drill", time_zone="Asia/Kolkata", created_at=now))
        services.batches.add(
            Batch(
                id=BATCH,
                campus_id=CAMPUS,
                course_id=COURSE,
                name="Drill",
                name_key="drill",
                state=BatchState.ACTIVE,
                created_at=now,
            )
        )
        services.accounts.add(make_account(ADMIN, Role.CAMPUS, "Admin", now))

    @property
    def admin(self) -> Actor:
        account = self._services.accounts.find(ADMIN)
        if account is None:
            raise RuntimeError("the admin of the drills is gone")
        return account.as_actor()

    def cast(self, *, candidates: int, deliveries: int, open_for: timedelta = timedelta(hours=2)) -> Cast:
        """Fresh people, signed in, and fresh deliveries that are open now."""
        now = self._services.now()
        accounts = [make_account(f"c-{random_id()}", Role.STUDENT, "Candidate", now) for _ in range(candidates)]
        self._services.accounts.add_many(accounts)
        people = [make_student(account, now) for account in accounts]
        self._services.students.add_many([replace(each, email=f"{each.id}@{DOMAIN}") for each in people])
        return Cast(
            deliveries=[self._schedule(now, open_for) for _ in range(deliveries)],
            candidates=[self._doorman.let_in(account.as_actor()) for account in accounts],
        )

    def _schedule(self, now: datetime, open_for: timedelta) -> Delivery:
        """Written as it is: the page would refuse a window that is shorter than the test."""
        offered = next(each for each in self._services.forms.list_published() if each.id == FORMAT)
        delivery = Delivery(
            id=random_id(),
            campus_id=CAMPUS,
            batch_id=BATCH,
            title="Drill",
            format_id=offered.id,
            format_version=offered.version,
            form_ids=tuple(offered.form_ids),
            opens_at=now - timedelta(minutes=1),
            closes_at=now + open_for,
            time_zone="Asia/Kolkata",
            attempts_allowed=1,
            state=DeliveryState.SCHEDULED,
            created_by=ADMIN,
            created_at=now,
        )
        self._services.deliveries.add(delivery)
        return delivery
