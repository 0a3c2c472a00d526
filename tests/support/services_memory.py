"""The whole of `Services` on memory: for web and realtime tests, nothing leaves the process."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from argon2 import PasswordHasher

from backend.adapters.blobs.memory import MemoryBlobs
from backend.adapters.jobs.memory import MemoryJobs
from backend.adapters.mail.checks import Sender
from backend.adapters.mail.outbox import OutboxMailer
from backend.adapters.mail.outbox_store import MemoryOutboxStore
from backend.adapters.passwords.argon2id import Argon2idPasswords
from backend.adapters.pdf.typst import TypstTypesetter, render_pdf
from backend.adapters.presence.memory import MemoryPresence
from backend.adapters.realtime.memory import MemoryFeed
from backend.adapters.rubrics.files import FileRubrics
from backend.adapters.scales.files import FileScales, load_descriptors
from backend.adapters.sessions.memory import MemorySessions
from backend.adapters.spreadsheets.calamine import CalamineSpreadsheets
from backend.adapters.spreadsheets.sheet import write_sheet
from backend.core.ports import Blobs, Feed
from backend.features.accommodations.memory import MemoryAccommodations
from backend.features.accounts.memory import MemoryAccounts, MemoryOneTimeCodes
from backend.features.assessments.memory import MemoryDeliveries, MemoryFormats
from backend.features.attempts.candidates import CandidatesFromStudents
from backend.features.attempts.engine.conditions import ConditionsFromAccommodations
from backend.features.attempts.marks import CountsFromAttempts, MarksFromAttempts, OngoingFromAttempts
from backend.features.attempts.memory import (
    MemoryAttempts,
    MemoryLateAnswers,
    MemoryPapers,
    MemoryResponses,
    MemoryUploads,
)
from backend.features.attempts.packages.shelf import Shelf
from backend.features.audit.memory import MemoryAuditCheckpoints, MemoryAuditLog
from backend.features.batches.memory import MemoryBatches
from backend.features.campuses.memory import MemoryCampuses
from backend.features.courses.memory import MemoryCourses
from backend.features.invigilation.memory import (
    MemoryDuties,
    MemoryIdentityChecks,
    MemoryIncidents,
    MemoryMessages,
    MemorySignalRecords,
)
from backend.features.invigilation.oversight import OversightFromInvigilation
from backend.features.items.memory import MemoryForms, MemoryItems, MemoryPromptSounds
from backend.features.mailings.marks import MarksFromMailings
from backend.features.mailings.memory import MemoryDispatches, MemoryMailings
from backend.features.raters.memory import MemoryRatingPlans, MemoryRatings
from backend.features.ratings.memory import MemoryAnswerKeys, MemoryCohorts, MemoryListener, MemoryTextReader
from backend.features.results.marks import ReleasedAttemptsFromResults, ReleasedFromResults
from backend.features.results.memory import MemoryReleases, MemoryResults
from backend.features.results.people import PeopleFromStudents
from backend.features.students.memory import MemoryStudents
from backend.wiring import Services
from config.settings import Settings


class TestClock:
    """A clock that stands still until it is told to move."""

    __test__ = False

    def __init__(self, start: datetime = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)) -> None:
        self.moment = start

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> datetime:
        """Moves on, e.g. ``clock.move(seconds=5)``."""
        self.moment += timedelta(**by)
        return self.moment


class CountingIds:
    """Predictable identifiers: id000001, id000002, ..."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self) -> str:
        self.given += 1
        return f"id{self.given:06d}"


def build_memory_services(**changes: object) -> Services:
    """Memory repositories and adapters; `changes` replaces single fields."""
    attempts, deliveries = MemoryAttempts(), MemoryDeliveries()
    responses = MemoryResponses()
    students = MemoryStudents()
    accommodations = MemoryAccommodations()
    candidates = CandidatesFromStudents(students)
    blobs = cast("Blobs", changes.get("blobs") or MemoryBlobs())
    outbox = MemoryOutboxStore(blobs)
    feed = cast("Feed", changes.get("feed") or MemoryFeed())
    incidents, messages, identity_checks = MemoryIncidents(), MemoryMessages(), MemoryIdentityChecks()
    results, releases = MemoryResults(), MemoryReleases()
    mailings, dispatches = MemoryMailings(), MemoryDispatches()
    services = Services(
        settings=memory_settings(),
        now=TestClock(),
        new_id=CountingIds(),
        blobs=blobs,
        feed=feed,
        presence=MemoryPresence(),
        jobs=MemoryJobs(),
        mailer=OutboxMailer(store=outbox, sender=Sender(name="Viva", address="viva@example.edu")),
        outbox=outbox,
        spreadsheets=CalamineSpreadsheets(),
        typesetter=TypstTypesetter(),
        passwords=Argon2idPasswords(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
        sessions=MemorySessions(),
        audit_log=MemoryAuditLog(),
        audit_checkpoints=MemoryAuditCheckpoints(),
        accounts=MemoryAccounts(),
        one_time_codes=MemoryOneTimeCodes(),
        campuses=MemoryCampuses(),
        ongoing_tests=OngoingFromAttempts(deliveries, attempts),
        courses=MemoryCourses(),
        batches=MemoryBatches(),
        students=students,
        accommodations=accommodations,
        granted_conditions=ConditionsFromAccommodations(accommodations),
        items=MemoryItems(),
        prompt_sounds=MemoryPromptSounds(),
        forms=MemoryForms(),
        deliveries=deliveries,
        offered_formats=MemoryFormats(),
        released_results=ReleasedFromResults(results, releases),
        released_attempts=ReleasedAttemptsFromResults(releases),
        attempt_marks=MarksFromAttempts(attempts),
        delivery_counts=CountsFromAttempts(attempts, responses, candidates),
        attempts=attempts,
        responses=responses,
        uploads=MemoryUploads(),
        late_answers=MemoryLateAnswers(),
        papers=MemoryPapers(),
        packages=Shelf(blobs),
        candidates=candidates,
        duties=MemoryDuties(),
        incidents=incidents,
        messages=messages,
        identity_checks=identity_checks,
        signal_records=MemorySignalRecords(),
        oversight=OversightFromInvigilation(messages, identity_checks, incidents, feed),
        scoring_keys=MemoryAnswerKeys(),
        listener=MemoryListener(),
        cohorts=MemoryCohorts(),
        text_reader=MemoryTextReader(),
        people_ratings=MemoryRatings(),
        rating_plans=MemoryRatingPlans(),
        rubrics=FileRubrics(),
        people=PeopleFromStudents(students),
        scales=FileScales(),
        results=results,
        releases=releases,
        words=load_descriptors,
        reports_pdf=render_pdf,
        sheet_writer=write_sheet,
        mailings=mailings,
        dispatches=dispatches,
        mail_marks=MarksFromMailings(mailings, dispatches),
        software="viva test",
    )
    return replace(services, **changes)  # type: ignore[arg-type]  # the names are Services' own fields


def memory_settings() -> Settings:
    """Settings of a test process: nothing embedded, nothing remote."""
    return Settings(viva_env="test", viva_secret_key="only-for-tests-" * 3)
