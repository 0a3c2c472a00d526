"""Results, reports, mailings, verification, the outbox as people meet them: who sees what, and what each page says."""

import io
import re
from dataclasses import replace

import pypdf
import pytest

from backend.app import create_app
from backend.core.errors import PermanentFailure
from backend.features.attempts.model import AttemptState
from backend.features.mailings.tasks import office_of
from backend.features.mailings.usecases import SEND_DISPATCH, send_dispatch
from backend.features.results.model import release_of
from backend.features.results.tasks import settle
from backend.features.results.usecases import withdraw_result
from tests.support.builders_results import COMPLETED, make_outcome, make_result
from tests.support.exam import Browser, sign_in_by_header
from tests.support.results_world import RecordingMailer, furnish_results, release_for, releasing, sit
from tests.support.services_memory import build_memory_services

RESULT = "attempt_asha-1"
PAGES = {
    "table": "/tests/delivery/results",
    "csv": "/tests/delivery/results.csv",
    "xlsx": "/tests/delivery/results.xlsx",
    "mail preview": "/tests/delivery/mailings/new",
    "recording": f"/results/{RESULT}/answers/0/recordings/0",
}


@pytest.fixture
def services():
    services = furnish_results(build_memory_services(), emails={"asha": "asha@example.edu"})
    for student_id in ("asha", "ravi"):
        sit(services, student_id)
        settle(f"attempt_{student_id}", services)
    return services


def release(services, *results):
    for result in results or services.results.list_by_delivery("delivery"):
        services.releases.add(release_of(result, by="meera", at=COMPLETED))


def says(browser, path, **form):
    """The page that a form leads to."""
    return browser.get(browser.post_form(path, **form).headers["Location"]).text


def test_the_api_gives_the_batch_with_its_results(browse, services):
    rows = browse("meera").get("/api/tests/delivery/results").json["results"]
    scored = {row["student_id"]: row for row in rows if row["state"] == "scored"}
    assert set(scored) == {"asha", "ravi"}
    result = services.results.find(RESULT)
    assert scored["asha"]["result"]["number"] == result.number
    assert scored["asha"]["result"]["outcome"]["overall"] == result.outcome.overall
    assert [each["result"] for each in rows if each["state"] == "not_started"] == [None] * (len(rows) - 2)


def test_staff_read_a_result_while_its_student_sits_once_more(browse, services):
    release(services, services.results.find(RESULT))
    first = services.attempts.find("attempt_asha")
    again = replace(first, id="again", number=2, state=AttemptState.IN_PROGRESS, submitted_at=None, settled_at=None)
    services.attempts.add(again)
    meera = browse("meera")
    page = meera.get(PAGES["table"]).text
    assert f'href="/results/{RESULT}"' in page
    assert "Attempt 2: in the test" in page
    rows = {row["student_id"]: row for row in meera.get("/api/tests/delivery/results").json["results"]}
    assert (rows["asha"]["result"]["id"], rows["asha"]["is_released"]) == (RESULT, True)
    assert rows["asha"]["under_way"] == {"number": 2, "state": "sitting"}
    assert rows["ravi"]["under_way"] is None
    lines = meera.get(PAGES["csv"]).text.splitlines()
    assert [line.rpartition(",")[2] for line in lines if "Asha" in line] == ["sitting"]
    assert f'/results/{RESULT}"' in browse("asha").get("/results").text


# -- isolation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", ["asha", "ravi", "salma", "omar"])
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_only_those_who_run_the_campus_reach_a_deliverys_results(browse, services, path, actor):
    release(services)
    assert browse(actor).get(path).status_code == 404


@pytest.mark.parametrize("path", [*PAGES.values(), f"/results/{RESULT}", f"/results/{RESULT}/report.pdf", "/results"])
def test_who_is_not_signed_in_is_asked_to(browse, path):
    assert browse().get(path).status_code in (302, 401)


@pytest.mark.parametrize("path", [f"/results/{RESULT}", f"/results/{RESULT}/report.pdf"])
def test_a_student_sees_only_own_released_results(browse, services, path):
    assert browse("asha").get(path).status_code == 404
    release(services)
    assert browse("asha").get(path).status_code == 200
    for stranger in ("ravi", "salma", "omar"):
        assert browse(stranger).get(path).status_code == 404
    withdraw_result(result=services.results.find(RESULT), releasing=releasing(services))
    assert browse("asha").get(path).status_code == 404
    assert browse("meera").get(path).status_code == 200


def test_a_student_never_sees_keys_or_evidence(browse, services):
    release(services)
    assert "We walked to the old market." in browse("meera").get(f"/results/{RESULT}").text
    assert "We walked to the old market." not in browse("asha").get(f"/results/{RESULT}").text


# -- pages -------------------------------------------------------------------------------------------------------------


def test_the_students_page_says_what_was_reached_and_what_it_means(browse, services):
    release(services)
    page = browse("asha").get(f"/results/{RESULT}").text
    result = services.results.find(RESULT)
    for text in (
        str(result.outcome.overall),
        result.outcome.band,
        "Sentence mastery",
        "What would improve it",
        "Intelligibility",
        "How sure this score is",
        result.number,
        "IST",
    ):
        assert text in page
    assert "Spoken English" in browse("asha").get("/results").text


def test_a_missing_skill_is_no_zero_on_the_page(browse, services):
    result = make_result("attempt_salma", student_id="asha", outcome=make_outcome(vocabulary=None))
    services.results.add(result)
    release(services, result)
    page = browse("asha").get(f"/results/{result.id}").text
    assert "No score" in page
    assert "Too few answers" in page
    assert not re.search(r">\s*0\s*<", page)


def test_the_report_is_a_two_page_pdf(browse, services):
    release(services)
    reply = browse("asha").get(f"/results/{RESULT}/report.pdf")
    assert reply.content_type == "application/pdf"
    pages = pypdf.PdfReader(io.BytesIO(reply.data)).pages
    assert len(pages) == 2
    assert "Asha Rao" in pages[0].extract_text()


def test_releasing_from_the_table(browse, services):
    meera = browse("meera")
    page = meera.get("/tests/delivery/results").text
    assert "Asha Rao" in page
    assert "Not yet" in page
    meera.post_form("/tests/delivery/results/release", result_id=RESULT)
    assert services.releases.find(RESULT).is_open
    assert services.releases.find("attempt_ravi-1") is None
    meera.post_form("/tests/delivery/results/release", scope="all")
    assert services.releases.find("attempt_ravi-1").is_open
    meera.post_form("/tests/delivery/results/withdraw", result_id=RESULT)
    assert not services.releases.find(RESULT).is_open
    actions = [event.action for event in services.audit_log.events]
    assert actions.count("result_released") == 2
    assert actions.count("result_withdrawn") == 1


def test_a_superseded_result_is_withdrawn_from_its_own_page(browse, services):
    release(services, services.results.find(RESULT))
    services.results.add(make_result("attempt_asha", settlement=2))
    meera = browse("meera")
    assert "Withdraw" in meera.get(f"/results/{RESULT}").text
    page = says(meera, "/tests/delivery/results/withdraw", result_id=RESULT)
    assert "Withdrawn: 1." in page
    assert browse("asha").get(f"/results/{RESULT}").status_code == 404


def test_another_campus_withdraws_nothing_and_no_result_is_withdrawn_from_another_delivery(browse, services):
    release(services)
    other = make_result("attempt_salma", student_id="salma", campus_id="south", delivery_id="south_delivery")
    services.results.add(other)
    release(services, other)
    assert browse("omar").post_form("/tests/delivery/results/withdraw", result_id=RESULT).status_code == 404
    browse("meera").post_form("/tests/delivery/results/withdraw", result_id=other.id)
    assert services.releases.find(RESULT).is_open
    assert services.releases.find(other.id).is_open


def test_a_result_is_not_released_while_an_answer_is_scored_again_and_the_page_says_why(browse, services):
    meera = browse("meera")
    meera.post_form(f"/results/{RESULT}/answers/20/score-again")
    page = says(meera, "/tests/delivery/results/release", scope="all")
    assert "Released: 1. Not released: 1, because answers are being scored or need a decision" in page
    assert "1 being scored again" in page
    assert services.releases.find(RESULT) is None
    rows = meera.get("/api/tests/delivery/results").json["results"]
    assert {row["student_id"]: row["state"] for row in rows}["asha"] == "scoring"


def test_a_result_from_before_a_reopening_is_neither_listed_nor_released(browse, services):
    seen = services.attempts.find("attempt_asha")
    reopened = replace(
        seen, state=AttemptState.IN_PROGRESS, submitted_at=None, settled_at=None, revision=seen.revision + 1
    )
    services.attempts.save(reopened, seen=seen)
    meera = browse("meera")
    line = next(line for line in meera.get(PAGES["csv"]).text.splitlines() if "Asha Rao" in line)
    assert line.split(",")[2:5] == ["sitting", "", ""]
    page = says(meera, "/tests/delivery/results/release", result_id=RESULT)
    assert "Not released: 1, because the test was reopened or voided." in page


def test_another_campus_can_release_nothing(browse, services):
    assert browse("omar").post_form("/tests/delivery/results/release", scope="all").status_code == 404
    assert services.releases.find(RESULT) is None


def test_a_result_of_another_delivery_is_not_released_from_here(browse, services):
    other = make_result("attempt_salma", student_id="salma", campus_id="south", delivery_id="south_delivery")
    services.results.add(other)
    browse("meera").post_form("/tests/delivery/results/release", result_id=other.id)
    assert services.releases.find(other.id) is None


@pytest.mark.parametrize(("sort", "first"), [("overall", "Ravi"), ("name", "Ravi"), ("nonsense", "Ravi")])
def test_the_table_sorts(browse, services, sort, first):
    low = make_result("attempt_ravi", settlement=2, student_id="ravi", outcome=make_outcome(79, 79, 79, 79))
    services.results.add(low)
    page = browse("meera").get(f"/tests/delivery/results?sort={sort}&order=desc").text
    assert page.index(f"{first} Nair") < page.index("Asha Rao")


def test_an_answer_is_contested_from_the_evidence(browse, services):
    release(services)
    address = f"/results/{RESULT}/answers/20/score-again"
    for stranger in ("asha", "omar"):
        assert browse(stranger).post_form(address).status_code == 404
    assert browse("meera").post_form(address).status_code == 302
    assert ("ratings.score_response", ("attempt_asha:20",)) in services.jobs.waiting_jobs
    assert browse("asha").get(f"/results/{RESULT}").status_code == 200, "the old result stays until a new one is there"
    assert browse("meera").post_form(f"/results/{RESULT}/answers/99/score-again").status_code == 404


# -- verification ------------------------------------------------------------------------------------------------------


def verify(browser, **form):
    return browser.post_form("/verify", **form).text


def test_anybody_with_the_number_may_verify_and_learns_no_name(browse, services):
    release(services)
    result = services.results.find(RESULT)
    page = verify(browse(), number=f" {result.number.lower()} ")
    assert "was issued" in page
    assert str(result.outcome.overall) in page
    for secret in ("Asha", "Rao", "N-01", "example.edu", RESULT):
        assert secret not in page


@pytest.mark.parametrize(("name", "says"), [("asha  RAO", "agrees"), ("Ravi Nair", "does not agree")])
def test_a_name_is_compared_and_not_told(browse, services, name, says):
    release(services)
    page = verify(browse(), number=services.results.find(RESULT).number, name=name)
    assert says in page


def test_what_is_not_released_looks_like_what_is_not_there(browse, services):
    number = services.results.find(RESULT).number
    unreleased, absent = verify(browse(), number=number), verify(browse(), number="0000-0000-0000")
    assert "No report with this number" in unreleased
    assert unreleased.replace(number, "").count("No report") == absent.count("No report")


def test_verifying_has_a_rate(browse):
    replies = {browse().post_form("/verify", number="x").status_code for _ in range(70)}
    assert replies == {200, 429}


# -- mailings ----------------------------------------------------------------------------------------------------------


def work(services):
    services.jobs.run(
        {SEND_DISPATCH: lambda each: send_dispatch(dispatch_id=each, office=office_of(services), clock=services.now)}
    )


def test_from_the_button_to_the_outbox(browse, services):
    release(services)
    meera, sushma = browse("meera"), browse("sushma")
    preview = meera.get(PAGES["mail preview"]).text
    assert "asha@example.edu" in preview
    assert "1 without an e-mail address" in preview
    reply = meera.post_form("/tests/delivery/mailings")
    services.jobs.waiting_jobs = [job for job in services.jobs.waiting_jobs if job[0] == SEND_DISPATCH]
    work(services)
    page = meera.get(reply.headers["Location"]).text
    assert "1 of 2" in page
    assert "No e-mail address is known" in page
    mail = services.outbox.list_latest()[0]
    assert "Your result" in sushma.get("/outbox").text
    assert "score-report" in sushma.get(f"/outbox/{mail.id}").text
    attachment = sushma.get(f"/outbox/{mail.id}/attachments/0")
    assert attachment.data.startswith(b"%PDF")
    assert sushma.get(f"/outbox/{mail.id}/attachments/1").status_code == 404


def test_the_outbox_is_for_superadmins_only(browse, services):
    release_for(services, "salma")
    for actor in ("asha", "meera", "omar"):
        assert browse(actor).get("/outbox").status_code == 404


def test_the_preview_of_a_mail_runs_nothing(browse, services):
    release(services)
    browse("meera").post_form("/tests/delivery/mailings")
    services.jobs.waiting_jobs = [job for job in services.jobs.waiting_jobs if job[0] == SEND_DISPATCH]
    work(services)
    mail = services.outbox.list_latest()[0]
    reply = browse("sushma").get(f"/outbox/{mail.id}/page.html")
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy
    assert reply.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "sandbox" in browse("sushma").get(f"/outbox/{mail.id}").text


def test_another_campus_neither_sees_nor_touches_a_mailing(browse, services):
    release(services)
    address = browse("meera").post_form("/tests/delivery/mailings").headers["Location"]
    for actor in ("omar", "asha"):
        assert browse(actor).get(address).status_code == 404
        assert browse(actor).post_form(f"{address}/send-again").status_code == 404
        decision = f"{address}/dispatches/results_ready:{RESULT}/decide"
        assert browse(actor).post_form(decision, went="no").status_code == 404
    assert browse("omar").post_form("/tests/delivery/mailings").status_code == 404


def test_send_again_from_the_page():
    mailer = RecordingMailer()
    services = furnish_results(build_memory_services(mailer=mailer))
    release_for(services, "asha", "ravi")
    app = create_app(services=services)
    sign_in_by_header(app)
    meera = Browser(http=app.test_client(), actor="meera")
    mailer.fail(PermanentFailure("address_refused"))
    address = meera.post_form("/tests/delivery/mailings").headers["Location"]
    work(services)
    assert "The address was refused" in meera.get(address).text
    meera.post_form(f"{address}/send-again")
    work(services)
    assert mailer.addresses() == ["asha@example.edu", "ravi@example.edu"]


def test_nothing_to_mail_is_said(browse):
    assert "Nothing left to mail" in browse("meera").get(PAGES["mail preview"]).text
    assert browse("meera").post_form("/tests/delivery/mailings").headers["Location"].endswith("/results")


# -- exports -----------------------------------------------------------------------------------------------------------


def test_exports_are_files_with_every_student(browse):
    csv_reply = browse("meera").get(PAGES["csv"])
    assert csv_reply.data.startswith(b"\xef\xbb\xbf")
    assert "attachment" in csv_reply.headers["Content-Disposition"]
    assert "Asha Rao" in csv_reply.text
    assert "Ravi Nair" in csv_reply.text
    assert browse("meera").get(PAGES["xlsx"]).data.startswith(b"PK")
