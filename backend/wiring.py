"""Which adapter serves which port: the one place that knows them all.

`Services` is everything a view, a socket event or a task may reach. Add a field with its type in the section of your
feature, and its real adapter in `build_services`; the memory one goes into tests/support/services_memory.py.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backend.adapters.blobs.s3 import S3Address, S3Blobs
from backend.adapters.jobs.celery import CeleryJobs
from backend.adapters.mail import build_mailer
from backend.adapters.mail.outbox_store import MongoOutboxStore
from backend.adapters.passwords.argon2id import Argon2idPasswords, thread_pool_runner
from backend.adapters.pdf.typst import TypstTypesetter, render_pdf
from backend.adapters.presence.redis import RedisPresence
from backend.adapters.realtime.socketio import SocketFeed
from backend.adapters.rubrics.files import FileRubrics
from backend.adapters.scales.files import FileScales, load_descriptors
from backend.adapters.sessions.redis import RedisSessions
from backend.adapters.sessions.remembered import RememberedSessions
from backend.adapters.speech.listener import EngineListener
from backend.adapters.speech.setup import SpeechSetup
from backend.adapters.spreadsheets.calamine import CalamineSpreadsheets
from backend.adapters.spreadsheets.sheet import write_sheet
from backend.adapters.tallies.redis import RedisTallies
from backend.adapters.text.reader import LocalTextReader, SentenceEncoder
from backend.core.clock import Clock, utc_now
from backend.core.ids import IdSource, random_id
from backend.core.outbox import OutboxStore
from backend.core.ports import Blobs, Feed, Jobs, Mailer, Passwords, Presence, Sessions, Spreadsheets, Typesetter
from backend.features.accommodations.mongo import MongoAccommodations
from backend.features.accommodations.repository import Accommodations
from backend.features.accounts import usecases as account_usecases
from backend.features.accounts.mongo import MongoAccounts, MongoOneTimeCodes
from backend.features.accounts.repository import Accounts, OneTimeCodes
from backend.features.assessments.mongo import MongoDeliveries
from backend.features.assessments.offers import FormatsFromForms
from backend.features.assessments.repository import AttemptMarks, Deliveries, DeliveryCounts, Formats, ReleasedResults
from backend.features.attempts.candidates import CandidatesFromStudents
from backend.features.attempts.engine.conditions import ConditionsFromAccommodations
from backend.features.attempts.marks import CountsFromAttempts, MarksFromAttempts, OngoingFromAttempts
from backend.features.attempts.mongo import MongoAttempts, MongoLateAnswers, MongoResponses, MongoUploads
from backend.features.attempts.packages.shelf import Shelf
from backend.features.attempts.papers import PapersFromForms
from backend.features.attempts.repository import (
    Attempts,
    Candidates,
    GrantedConditions,
    LateAnswers,
    Oversight,
    Papers,
    ReleasedAttempts,
    Responses,
    Uploads,
)
from backend.features.audit.mongo import MongoAuditCheckpoints, MongoAuditLog
from backend.features.audit.repository import AuditCheckpoints, AuditLog
from backend.features.batches.mongo import MongoBatches
from backend.features.batches.repository import Batches
from backend.features.campuses.mongo import MongoCampuses
from backend.features.campuses.repository import Campuses, OngoingTests
from backend.features.courses.mongo import MongoCourses
from backend.features.courses.repository import Courses
from backend.features.invigilation.mongo import (
    MongoDuties,
    MongoIdentityChecks,
    MongoIncidents,
    MongoMessages,
    MongoSignalRecords,
)
from backend.features.invigilation.oversight import OversightFromInvigilation
from backend.features.invigilation.repository import Duties, IdentityChecks, Incidents, Messages, SignalRecords
from backend.features.items.mongo import MongoForms, MongoItems, MongoPromptSounds
from backend.features.items.repository import Forms, Items, PromptSounds
from backend.features.mailings.marks import MarksFromMailings
from backend.features.mailings.mongo import MongoDispatches, MongoMailings
from backend.features.mailings.repository import Dispatches, Mailings
from backend.features.raters.mongo import MongoRatingPlans, MongoRatings
from backend.features.raters.repository import RatingPlans, Ratings, Rubrics
from backend.features.ratings.keys import KeysFromItems
from backend.features.ratings.mongo import MongoCohorts
from backend.features.ratings.repository import AnswerKeys, Cohorts, Listener, TextReader
from backend.features.reports.repository import PdfPress, SheetWriter, Words
from backend.features.results.marks import ReleasedAttemptsFromResults, ReleasedFromResults
from backend.features.results.mongo import MongoReleases, MongoResults
from backend.features.results.people import PeopleFromStudents
from backend.features.results.repository import MailMarks, People, Releases, Results, Scales
from backend.features.students.mongo import MongoStudents
from backend.features.students.repository import Students
from backend.storage import MongoDatabase, connect, ping
from config.settings import PROJECT_ROOT, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One process's repositories and ports. Frozen: made once, at start."""

    settings: Settings
    now: Clock
    new_id: IdSource
    # ports
    blobs: Blobs
    feed: Feed
    presence: Presence
    jobs: Jobs
    mailer: Mailer
    outbox: OutboxStore
    passwords: Passwords
    spreadsheets: Spreadsheets
    typesetter: Typesetter
    sessions: Sessions
    # people
    audit_log: AuditLog
    audit_checkpoints: AuditCheckpoints
    accounts: Accounts
    one_time_codes: OneTimeCodes
    campuses: Campuses
    ongoing_tests: OngoingTests
    courses: Courses
    batches: Batches
    students: Students
    accommodations: Accommodations
    granted_conditions: GrantedConditions
    # item bank
    items: Items
    prompt_sounds: PromptSounds
    forms: Forms
    # assessments and attempts
    deliveries: Deliveries
    offered_formats: Formats
    released_results: ReleasedResults
    released_attempts: ReleasedAttempts
    attempt_marks: AttemptMarks
    delivery_counts: DeliveryCounts
    attempts: Attempts
    responses: Responses
    uploads: Uploads
    late_answers: LateAnswers
    papers: Papers
    packages: Shelf
    candidates: Candidates
    # invigilation
    duties: Duties
    incidents: Incidents
    messages: Messages
    identity_checks: IdentityChecks
    signal_records: SignalRecords
    oversight: Oversight
    # ratings
    scoring_keys: AnswerKeys
    listener: Listener
    cohorts: Cohorts
    text_reader: TextReader
    # people's ratings
    people_ratings: Ratings
    rating_plans: RatingPlans
    rubrics: Rubrics
    # results, reports, mailings
    people: People
    scales: Scales
    results: Results
    releases: Releases
    words: Words
    reports_pdf: PdfPress
    sheet_writer: SheetWriter
    mailings: Mailings
    dispatches: Dispatches
    mail_marks: MailMarks
    software: str
    # what /readyz asks: each returns, or raises AdapterError
    readiness: Mapping[str, Callable[[], None]] = field(default_factory=dict)

    def accounts_setup_link(self, now: datetime) -> str | None:
        """The one-time address at which the first superadmin is created; None when there is one."""
        return account_usecases.issue_setup_link(
            accounts=self.accounts,
            codes=self.one_time_codes,
            secret=self.settings.viva_secret_key,
            public_url=self.settings.public_url,
            now=now,
        )


def open_database(settings: Settings) -> MongoDatabase:
    """The database of these settings; connects on first use."""
    return connect(settings.mongodb_uri)[settings.mongodb_database]


def read_software() -> str:
    """This software's name and version, as every result names it."""
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['name']} {project['version']}"


def s3_address(settings: Settings) -> S3Address:
    """Where the object store is, for us and for browsers."""
    return S3Address(
        endpoint=settings.s3_endpoint,
        browser_endpoint=settings.s3_browser_endpoint,
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
    )


def speech_setup(settings: Settings) -> SpeechSetup:
    """What the speech engines are told of these settings."""
    return SpeechSetup(
        models_dir=settings.viva_data / "models",
        calibration=settings.speech_calibration,
        whisper_folder=settings.speech_whisper_folder,
        whisper_sha256=settings.speech_whisper_sha256,
        azure_key=settings.azure_speech_key,
        azure_region=settings.azure_speech_region,
        azure_host=settings.azure_speech_host,
        google_credentials=settings.google_speech_credentials,
        google_endpoint=settings.google_speech_endpoint,
        language=settings.speech_language,
    )


def build_services(settings: Settings) -> Services:
    """The real wiring. Opens no connection by itself: each adapter connects on its first use."""
    database = open_database(settings)
    attempts, deliveries = MongoAttempts(database), MongoDeliveries(database)
    responses = MongoResponses(database, RedisTallies(settings.redis_url_for("presence")))
    students = MongoStudents(database)
    accommodations = MongoAccommodations(database)
    candidates = CandidatesFromStudents(students)
    items = MongoItems(database)
    forms = MongoForms(database)
    blobs, presence = S3Blobs(s3_address(settings)), RedisPresence(settings.redis_url_for("presence"))
    outbox = MongoOutboxStore(database, blobs)
    feed = SocketFeed(settings.redis_url_for("sockets"))
    incidents, messages = MongoIncidents(database), MongoMessages(database)
    identity_checks = MongoIdentityChecks(database)
    results, releases = MongoResults(database), MongoReleases(database)
    mailings, dispatches = MongoMailings(database), MongoDispatches(database)
    return Services(
        settings=settings,
        now=utc_now,
        new_id=random_id,
        blobs=blobs,
        feed=feed,
        presence=presence,
        jobs=CeleryJobs(settings.redis_url_for("queue")),
        mailer=build_mailer(settings, outbox),
        outbox=outbox,
        spreadsheets=CalamineSpreadsheets(),
        typesetter=TypstTypesetter(),
        passwords=Argon2idPasswords(run=thread_pool_runner()),
        sessions=_sessions(settings),
        audit_log=MongoAuditLog(database),
        audit_checkpoints=MongoAuditCheckpoints(database),
        accounts=MongoAccounts(database),
        one_time_codes=MongoOneTimeCodes(database),
        campuses=MongoCampuses(database),
        ongoing_tests=OngoingFromAttempts(deliveries, attempts),
        courses=MongoCourses(database),
        batches=MongoBatches(database),
        students=students,
        accommodations=accommodations,
        granted_conditions=ConditionsFromAccommodations(accommodations),
        items=items,
        prompt_sounds=MongoPromptSounds(database),
        forms=forms,
        deliveries=deliveries,
        offered_formats=FormatsFromForms(forms),
        released_results=ReleasedFromResults(results, releases),
        released_attempts=ReleasedAttemptsFromResults(releases),
        attempt_marks=MarksFromAttempts(attempts),
        delivery_counts=CountsFromAttempts(attempts, responses, candidates),
        attempts=attempts,
        responses=responses,
        uploads=MongoUploads(database),
        late_answers=MongoLateAnswers(database),
        papers=PapersFromForms(forms),
        packages=Shelf(blobs),
        candidates=candidates,
        duties=MongoDuties(database),
        incidents=incidents,
        messages=messages,
        identity_checks=identity_checks,
        signal_records=MongoSignalRecords(database),
        oversight=OversightFromInvigilation(messages, identity_checks, incidents, feed),
        scoring_keys=KeysFromItems(items),
        listener=EngineListener(settings.engines, speech_setup(settings)),
        cohorts=MongoCohorts(database),
        text_reader=LocalTextReader(_load_sentence_encoder),
        people_ratings=MongoRatings(database),
        rating_plans=MongoRatingPlans(database),
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
        software=read_software(),
        readiness={
            "database": lambda: ping(database),
            "queue": lambda: _ask(presence),
            "objects": blobs.check,
        },
    )


def _sessions(settings: Settings) -> RememberedSessions:
    url = settings.redis_url_for("revocation")
    return RememberedSessions(RedisSessions(url, lifetime=timedelta(hours=settings.session_refresh_hours)), url)


def _load_sentence_encoder() -> SentenceEncoder:
    # Imported here: web processes are wired too, and must not load the models' libraries.
    from backend.adapters.speech.offline import meaning

    return meaning.SentenceEncoder()


def _ask(presence: Presence) -> None:
    presence.read(("readiness",))
