"""How an answer was heard: who may follow it, and what each of them sees."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.features.attempts.responses import Answer, Earlier
from backend.features.results.model import release_of
from backend.features.results.tasks import settle
from tests.support.builders_results import COMPLETED
from tests.support.explained import SENTENCE, explained_response, spoken
from tests.support.results_world import furnish_results, sit
from tests.support.services_memory import build_memory_services

RESULT = "attempt_asha-1"
ANSWER = f"/results/{RESULT}/answers/0"
PAGES = (ANSWER, f"{ANSWER}/recordings/0", f"/results/{RESULT}/how")


@pytest.fixture
def services():
    services = furnish_results(build_memory_services())
    sit(services, "asha")
    for place in (0, 6):
        seen = services.responses.find(f"attempt_asha:{place}")
        services.responses.save(explained_response("asha", place, revision=seen.revision + 1), seen=seen)
        services.blobs.put(f"recordings/north/asha-{place}", spoken(900), content_type="audio/wav")
    settle("attempt_asha", services)
    services.releases.add(release_of(services.results.find(RESULT), by="meera", at=COMPLETED))
    return services


def allow(services, shown=True):
    seen = services.deliveries.find("delivery")
    services.deliveries.save(replace(seen, shows_answers=shown, revision=seen.revision + 1), seen=seen)


@pytest.mark.parametrize("path", PAGES)
def test_a_student_follows_answers_only_where_the_campus_shows_them(browse, services, path):
    assert browse("asha").get(path).status_code == 404
    allow(services)
    assert browse("asha").get(path).status_code == 200
    for stranger in ("ravi", "salma", "omar"):
        assert browse(stranger).get(path).status_code == 404
    release = services.releases.find(RESULT)
    services.releases.save(replace(release, state="withdrawn", revision=release.revision + 1), seen=release)
    assert browse("asha").get(path).status_code == 404, "a withdrawn result shows nothing"
    assert browse("meera").get(path).status_code == 200


def test_staff_see_words_sounds_pauses_and_points(browse):
    page = browse("meera").get(ANSWER).text
    for text in (
        "Expected and heard",
        'data-play-from="1320"',
        "recogniser unsure",
        "left out",
        "Weakly said: walked.",
        "th in think",
        "1.0 s at 4.6 s",
        "Noisy",
        "Accuracy of sounds",
        "How points became the scores",
    ):
        assert text in page
    assert "style=" not in page, "the content security policy would refuse it"


def test_a_student_sees_the_printed_text_and_no_other_key(browse, services):
    allow(services)
    asha = browse("asha")
    assert SENTENCE.split()[1] in asha.get(ANSWER).text
    repeat = asha.get(f"/results/{RESULT}/answers/6").text
    assert "What was heard" in repeat
    assert "walked" not in repeat, "the sentence to repeat is used again"
    assert "Words that agree" not in repeat


def test_a_recording_comes_from_our_own_address_and_staff_are_noted(browse, services):
    reply = browse("meera").get(f"{ANSWER}/recordings/0")
    assert reply.mimetype == "audio/webm"
    assert reply.data == spoken(900)
    assert "no-store" in reply.headers["Cache-Control"]
    assert services.audit_log.events[-1].action == "recording_played"
    allow(services)
    before = len(services.audit_log.events)
    assert browse("asha").get(f"{ANSWER}/recordings/0").status_code == 200
    assert len(services.audit_log.events) == before, "hearing oneself is nobody else's business"
    assert browse("meera").get(f"{ANSWER}/recordings/9").status_code == 404
    services.blobs.delete("recordings/north/asha-0")
    assert browse("meera").get(f"{ANSWER}/recordings/0").status_code == 404


def test_the_campus_shows_and_hides_the_answers(browse, services):
    meera = browse("meera")
    assert browse("omar").post_form("/tests/delivery/results/answers-shown", shown="yes").status_code == 404
    meera.post_form("/tests/delivery/results/answers-shown", shown="yes")
    assert services.deliveries.find("delivery").shows_answers
    assert services.audit_log.events[-1].action == "answers_shown_to_students"
    assert "Your answers" in browse("asha").get(f"/results/{RESULT}").text
    meera.post_form("/tests/delivery/results/answers-shown", shown="no")
    assert not services.deliveries.find("delivery").shows_answers
    assert "Your answers" not in browse("asha").get(f"/results/{RESULT}").text


def test_the_way_from_points_to_scores_is_told(browse, services):
    page = browse("meera").get(f"/results/{RESULT}/how").text
    result = services.results.find(RESULT)
    assert f">{result.outcome.overall}</strong>" in page
    assert "cefr_20_80_placement" in page
    assert "standard error" in page


def test_answers_that_the_form_does_not_have_are_not_there(browse):
    assert browse("meera").get(f"/results/{RESULT}/answers/99").status_code == 404


def test_staff_see_what_counted_before_and_an_older_result_keeps_what_it_was_made_of(browse, services):
    seen = services.responses.find("attempt_asha:1")
    typed = {**seen.score, "explanation": {"typed": "The first letter."}}
    services.now.moment += timedelta(minutes=5)
    later = replace(
        seen,
        answer=Answer(text="The second letter."),
        score={**seen.score, "explanation": {"typed": "The second letter."}},
        earlier=(Earlier(replaced_at=services.now(), answer=Answer(text="The first letter."), score=typed),),
        revision=seen.revision + 1,
    )
    services.responses.save(later, seen=seen)
    first = browse("meera").get(f"/results/{RESULT}/answers/1").text
    assert "The first letter." in first
    assert "The second letter." not in first
    assert "What counted before" not in first
    services.now.moment += timedelta(minutes=5)
    reopened = services.attempts.find("attempt_asha")
    services.attempts.save(replace(reopened, settled_at=None, revision=reopened.revision + 1), seen=reopened)
    raised = {**later.score, "points": {"fluency": {"value": 0.9, "weight": 1.0}}}
    services.responses.save(replace(later, score=raised, revision=later.revision + 1), seen=later)
    settle("attempt_asha", services)
    page = browse("meera").get("/results/attempt_asha-2/answers/1").text
    assert "What counted before" in page
    assert "The first letter." in page
    assert "The second letter." in page
    allow(services)
    services.releases.add(release_of(services.results.find("attempt_asha-2"), by="meera", at=services.now()))
    own = browse("asha").get("/results/attempt_asha-2/answers/1")
    assert own.status_code == 200
    assert "What counted before" not in own.text
