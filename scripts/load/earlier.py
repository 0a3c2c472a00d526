"""Results of an earlier sitting, released, and their mailing: work for the worker while exams are sat."""

from backend.core.actor import Actor, Role
from backend.features.assessments.model import Delivery
from backend.features.mailings import usecases as mailing_usecases
from backend.features.mailings.model import Mailing
from backend.features.mailings.tasks import office_of
from backend.features.results.model import Outcome, Result, TraitResult, Versions, number_of, release_of, result_id
from backend.wiring import Services
from scripts.load.campus import CAMPUS, Cast


def release_results(services: Services, cast: Cast, *, most: int | None = None) -> None:
    """One for each candidate, or for the first `most`."""
    for student in cast.students[:most]:
        _release(services, cast.delivery, student.account_id)


def mail_results(services: Services, cast: Cast) -> Mailing:
    return mailing_usecases.schedule_mailing(
        actor=Actor(account_id=cast.admin.account_id, role=Role.CAMPUS, campus_id=CAMPUS, display_name=""),
        delivery_id=cast.delivery.id,
        campus_id=CAMPUS,
        chosen=None,
        office=office_of(services),
        now=services.now(),
        new_id=services.new_id,
    )


def _release(services: Services, delivery: Delivery, student_id: str) -> None:
    attempt_id, now = f"earlier-{student_id}", services.now()
    trait = TraitResult(trait="fluency", value=52, band="B1", sem=2.8, n_items=19, n_missing=0, confidence=0.8)
    result = Result(
        id=result_id(attempt_id, 1),
        attempt_id=attempt_id,
        settlement=1,
        supersedes=None,
        number=number_of(attempt_id),
        delivery_id=delivery.id,
        campus_id=delivery.campus_id,
        student_id=student_id,
        title=delivery.title,
        completed_at=now,
        time_zone=delivery.time_zone,
        outcome=Outcome(
            overall=52,
            band="B1",
            sem=2.4,
            subscores=(trait,),
            intelligibility=None,
            confidence=0.8,
            n_items=19,
            n_missing=0,
            warnings=(),
        ),
        items=(),
        versions=Versions(
            format_id=delivery.format_id,
            format_version=delivery.format_version,
            form_id=delivery.form_ids[0],
            scale_id="versant_style_20_80",
            scale_version="1",
            cut_table_id="cefr_20_80_placement",
            scorers=(),
            engines=(),
            calibrations=(),
            software="viva",
        ),
        fingerprint="earlier",
        settled_at=now,
    )
    services.results.add(result)
    services.releases.add(release_of(result, by="load-admin", at=now))
