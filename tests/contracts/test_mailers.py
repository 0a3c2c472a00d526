"""One suite over every mailer: Brevo by two clients, SMTP, the outbox; each against a provider on loopback."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.adapters.blobs.memory import MemoryBlobs
from backend.adapters.mail import MAILERS, build_mailer, choose_driver
from backend.adapters.mail.checks import check_mail, provider_key
from backend.adapters.mail.outbox_store import COLLECTIONS, MemoryOutboxStore, MongoOutboxStore
from backend.core.errors import OutcomeUnknown, OverQuota, PermanentFailure, TemporaryFailure
from backend.core.ports import Attachment, Mail, Mailer
from backend.storage import ensure_collections
from config.settings import Settings
from tests.support.mail_servers import FakeBrevo, FakeSmtp, fake_brevo, fake_smtp

NOW = datetime(2026, 11, 23, 5, 10, tzinfo=UTC)
PDF = b"%PDF-1.7 " + bytes(range(256))
MAIL = Mail(
    to_address="asha@example.edu",
    to_name="आशा Rao, M.Sc.",
    subject="Your result: Spoken English – November",
    text="Dear Asha,\n.a line that begins with a dot\n",
    html="<p>Dear <b>Asha</b> – आशा</p>",
    idempotency_key="results_ready:attempt-1:1",
    attachments=(Attachment(filename="report.pdf", content_type="application/pdf", data=PDF),),
)


@dataclass(frozen=True, slots=True)
class Received:
    """One message as the provider holds it."""

    to_address: str
    subject: str
    text: str
    html: str
    attachment: bytes


@dataclass(frozen=True, slots=True)
class Post:
    """A mailer, and a way to look at what its provider holds."""

    mailer: Mailer
    look: Callable[[], Sequence[Received]]
    provider: Any


def _from_brevo(body: dict[str, Any]) -> Received:
    return Received(
        to_address=body["to"][0]["email"],
        subject=body["subject"],
        text=body["textContent"],
        html=body["htmlContent"],
        attachment=base64.b64decode(body["attachment"][0]["content"]),
    )


def _from_smtp(recipient: str, message: Any) -> Received:
    return Received(
        to_address=recipient,
        subject=message["Subject"],
        text=message.get_body(("plain",)).get_content().replace("\r\n", "\n"),
        html=message.get_body(("html",)).get_content().strip(),
        attachment=next(message.iter_attachments()).get_content(),
    )


def _outbox_post(store: Any) -> Post:
    mailer = MAILERS["outbox"](Settings(), store)
    return Post(
        mailer=mailer,
        look=lambda: [
            Received(
                to_address=each.to_address,
                subject=each.subject,
                text=each.text,
                html=each.html,
                attachment=store.get_bytes(each.attachments[0].blob_key),
            )
            for each in store.list_latest()
        ],
        provider=store,
    )


@pytest.fixture(params=["brevo", "sib", "smtp", "outbox", pytest.param("outbox-mongo", marks=pytest.mark.services)])
def post(request):
    driver = request.param
    store = MemoryOutboxStore(MemoryBlobs())
    if driver in ("brevo", "sib"):
        with fake_brevo() as brevo:
            settings = Settings(brevo_api_key="key", brevo_base_url=brevo.url, mail_driver=driver)
            look = lambda: [_from_brevo(each) for each in brevo.accepted]  # noqa: E731 - shorter than its def
            yield Post(mailer=build_mailer(settings, store), look=look, provider=brevo)
    elif driver == "smtp":
        with fake_smtp() as smtp:
            settings = Settings(smtp_url=smtp.url, mail_driver="smtp")
            look = lambda: [_from_smtp(*each) for each in smtp.accepted]  # noqa: E731 - shorter than its def
            yield Post(mailer=build_mailer(settings, store), look=look, provider=smtp)
    elif driver == "outbox":
        yield _outbox_post(store)
    else:
        database = request.getfixturevalue("mongo_database")
        ensure_collections(database, COLLECTIONS)
        yield _outbox_post(MongoOutboxStore(database, MemoryBlobs()))


def test_what_is_sent_is_what_arrives(post):
    assert post.mailer.send(MAIL, now=NOW)
    (received,) = post.look()
    assert received == Received(
        to_address=MAIL.to_address, subject=MAIL.subject, text=MAIL.text, html=MAIL.html, attachment=PDF
    )


def test_a_message_without_attachments_goes_too(post):
    assert post.mailer.send(replace(MAIL, attachments=()), now=NOW)


def test_a_repeated_key_is_recognised_for_as_long_as_the_mailer_says(post):
    post.mailer.send(MAIL, now=NOW)
    post.mailer.send(MAIL, now=NOW)
    expected = 1 if post.mailer.key_lifetime else 2
    assert len(post.look()) == expected
    post.mailer.send(replace(MAIL, idempotency_key="results_ready:attempt-1:2"), now=NOW)
    assert len(post.look()) == expected + 1


@pytest.mark.parametrize("mark", ["\r", "\n", "\0", "\r\nBcc: everybody@example.edu"])
@pytest.mark.parametrize("field", ["to_address", "to_name", "subject"])
def test_nothing_smuggles_in_a_header(post, field, mark):
    with pytest.raises(PermanentFailure) as refusal:
        post.mailer.send(replace(MAIL, **{field: f"asha{mark}@example.edu"}), now=NOW)  # type: ignore[arg-type]
    assert refusal.value.reason == "header_refused"
    assert not post.look()


@pytest.mark.parametrize(
    "address", ["", "asha", "asha@", "@example.edu", "a b@example.edu", "a@b.edu, c@d.edu", "<a@b>"]
)
def test_what_is_no_address_never_leaves(post, address):
    with pytest.raises(PermanentFailure) as refusal:
        post.mailer.send(replace(MAIL, to_address=address), now=NOW)
    assert refusal.value.reason == "address_refused"
    assert not post.look()


@given(st.text(), st.sampled_from("\r\n\0"), st.text())
def test_no_text_around_a_control_character_gets_through(before, mark, after):
    with pytest.raises(PermanentFailure):
        check_mail(replace(MAIL, subject=before + mark + after))


# -- Brevo, by both clients --------------------------------------------------------------------------------------------


@pytest.fixture(params=["brevo", "sib"])
def brevo(request):
    with fake_brevo() as fake:
        settings = Settings(brevo_api_key="secret-key", brevo_base_url=fake.url, mail_driver=request.param)
        yield build_mailer(settings, MemoryOutboxStore(MemoryBlobs())), fake


def test_brevo_gets_its_key_in_the_body_as_a_uuid(brevo: tuple[Mailer, FakeBrevo]):
    mailer, fake = brevo
    mailer.send(MAIL, now=NOW)
    key = fake.accepted[0]["headers"]["idempotencyKey"]
    assert key == provider_key(MAIL)
    assert len(key) == 36
    assert fake.api_keys == ["secret-key"]


REFUSALS = [
    (429, {}, {"Retry-After": "120"}, OverQuota, "provider_busy"),
    (402, {"code": "not_enough_credits"}, {}, OverQuota, "provider_out_of_credits"),
    (401, {"code": "unauthorized"}, {}, OverQuota, "provider_refused_key"),
    (403, {}, {}, OverQuota, "provider_refused_key"),
    (400, {"code": "invalid_parameter", "message": "email is invalid in to"}, {}, PermanentFailure, "address_refused"),
    (400, {"code": "missing_parameter", "message": "subject is missing"}, {}, PermanentFailure, "message_refused"),
    (500, {}, {}, OutcomeUnknown, "provider_failed"),
    (503, {}, {}, OutcomeUnknown, "provider_failed"),
]


@pytest.mark.parametrize(("status", "body", "headers", "kind", "reason"), REFUSALS)
def test_brevos_refusals_in_our_words(brevo, status, body, headers, kind, reason):
    mailer, fake = brevo
    fake.plan.append((status, body, headers))
    with pytest.raises((TemporaryFailure, PermanentFailure)) as failure:
        mailer.send(MAIL, now=NOW)
    assert type(failure.value) is kind
    assert failure.value.reason == reason
    if status == 429:
        assert isinstance(failure.value, OverQuota)
        assert failure.value.retry_after_s == 120
    assert len(fake.api_keys) == 1, "the mailing decides about repeats, not the client"


@pytest.mark.parametrize("planned", ["break", "accept and break"])
def test_a_reply_that_never_came_leaves_the_outcome_unknown(brevo, planned):
    mailer, fake = brevo
    fake.plan.append(planned)
    with pytest.raises(OutcomeUnknown):
        mailer.send(MAIL, now=NOW)
    assert mailer.send(MAIL, now=NOW)
    assert len(fake.accepted) == 1


@pytest.mark.parametrize("driver", ["brevo", "sib", "smtp"])
def test_a_provider_that_is_not_there_has_surely_not_got_it_and_nobody_else_asks_for_a_moment(driver):
    settings = Settings(
        brevo_api_key="key", brevo_base_url="http://127.0.0.1:9/v3", smtp_url="smtp://127.0.0.1:9", mail_driver=driver
    )
    with pytest.raises(OverQuota) as failure:
        build_mailer(settings, MemoryOutboxStore(MemoryBlobs())).send(MAIL, now=NOW)
    assert (failure.value.reason, failure.value.retry_after_s) == ("provider_unreachable", 30)


# -- SMTP --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("planned", "kind", "reason"),
    [
        ("RCPT 550 no such person", PermanentFailure, "address_refused"),
        ("RCPT 451 later", OverQuota, "provider_busy"),
        ("DATA 554 no", PermanentFailure, "message_refused"),
        ("END 552 too large", PermanentFailure, "message_refused"),
        ("END 452 full", OverQuota, "provider_busy"),
        ("break", OutcomeUnknown, "provider_silent"),
    ],
)
def test_smtps_refusals_in_our_words(planned, kind, reason):
    with fake_smtp() as fake:
        fake.plan.append(planned)
        mailer = build_mailer(Settings(smtp_url=fake.url, mail_driver="smtp"), MemoryOutboxStore(MemoryBlobs()))
        with pytest.raises((TemporaryFailure, PermanentFailure)) as failure:
            mailer.send(MAIL, now=NOW)
    assert type(failure.value) is kind
    assert failure.value.reason == reason


def test_smtp_says_that_it_recognises_no_repeat():
    with fake_smtp() as fake:
        mailer = build_mailer(Settings(smtp_url=fake.url, mail_driver="smtp"), MemoryOutboxStore(MemoryBlobs()))
    assert mailer.key_lifetime == timedelta(0)
    assert isinstance(fake, FakeSmtp)


# -- choosing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "driver"),
    [
        (Settings(), "outbox"),
        (Settings(brevo_api_key="key"), "brevo"),
        (Settings(brevo_api_key="key", mail_driver="sib"), "sib"),
        (Settings(brevo_api_key="key", mail_driver="outbox"), "outbox"),
    ],
)
def test_the_driver_that_settings_mean(settings, driver):
    assert choose_driver(settings) == driver
    assert driver in MAILERS
