"""The listening and reading test as it ships: sat over the API from its first conversation to its last text, scored by
the machine alone, settled, and shown."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pypdf
import pytest

from backend.app import create_app
from backend.features.attempts.model import AttemptState
from backend.features.attempts.paper import Paper, PaperItem
from backend.features.attempts.papers import make_paper
from backend.features.attempts.responses import ResponseState
from backend.features.ratings import usecases
from backend.features.ratings.tasks import desk_of, judges_of
from backend.features.results.model import ItemState, Result, release_of
from backend.features.results.tasks import settle
from backend.scoring.keys import AnswerKey, ChoiceKey, GapsKey, MatchKey, OrderKey, key_from_dict
from tests.support.bank import fill_bank, published_forms, real_bank, real_formats
from tests.support.exam import Browser, sign_in_by_header
from tests.support.results_world import furnish_results
from tests.support.services_memory import build_memory_services

FORMAT = next(format_ for format_ in real_formats() if format_.id == "listening_reading")
Answer = Callable[[PaperItem, AnswerKey], dict[str, object]]


@cache
def _papers() -> dict[str, Paper]:
    services = build_memory_services()
    fill_bank(
        items=services.items,
        sounds=services.prompt_sounds,
        forms=services.forms,
        blobs=services.blobs,
        formats=[FORMAT],
    )
    forms = published_forms(services.forms, FORMAT.id)
    return {form.letter: replace(make_paper(form), form_id="form_one") for form in forms}


def right(item: PaperItem, key: AnswerKey) -> dict[str, object]:
    match key:
        case ChoiceKey(correct=correct) | MatchKey(correct=correct):
            return {"choices": list(correct)}
        case OrderKey(orders=orders):
            return {"choices": list(orders[0])}
        case GapsKey(gaps=gaps):
            return {"texts": [accepted[0] for accepted in gaps]}
    raise AssertionError(item.task)


def blank(item: PaperItem, key: AnswerKey) -> dict[str, object]:
    return {"texts": ["" for _ in key.gaps]} if isinstance(key, GapsKey) else {"choices": []}


def first_of_all(item: PaperItem, key: AnswerKey) -> dict[str, object]:
    """The first option of everything, the order as it is shown."""
    match key:
        case ChoiceKey(correct=correct):
            return {"choices": list(range(len(correct)))}
        case MatchKey(left=left):
            return {"choices": list(range(len(left)))}
        case OrderKey(parts=parts):
            return {"choices": list(range(len(parts)))}
        case GapsKey(gaps=gaps):
            offered = item.shown["gaps"]
            assert isinstance(offered, list)
            return {"texts": [(shown["options"] or ["a"])[0] for shown, _ in zip(offered, gaps, strict=True)]}
    raise AssertionError(item.task)


class Sitting:
    """Asha's attempt at one form."""

    def __init__(self, letter: str) -> None:
        self.paper = _papers()[letter]
        self.services = furnish_results(build_memory_services(), paper=self.paper)
        self.app = create_app(services=self.services)
        sign_in_by_header(self.app)
        self.asha = self.browse("asha")
        self.keys = {item.id: key_from_dict(item.task, item.body.answer_key) for item in real_bank()}
        for item in self.paper.items:
            self.services.scoring_keys.add(item.item_id, item.item_version, self.keys[item.item_id])
        self.id = self.asha.post("/api/deliveries/delivery/attempts").json["id"]
        self.path = f"/api/attempts/{self.id}"
        assert self.asha.post(f"{self.path}/begin").json["state"] == "in_progress"

    def browse(self, actor: str) -> Browser:
        return Browser(http=self.app.test_client(), actor=actor)

    def sit(self, answer: Answer, *, until: str = "G") -> None:
        """Every part up to `until`, in the order in which a page goes through them."""
        for section in self.paper.sections:
            if section.letter > until:
                return
            items = [item for item in self.paper.items if item.section_letter == section.letter]
            whole = [items] if section.time_limit_ms is not None else [[item] for item in items]
            for opened in whole:
                self._move("open", opened[0].position)
                for item in opened:
                    self._save(item, answer(item, self.keys[item.item_id]))
                self._move("close", opened[-1].position)

    def _move(self, kind: str, position: int) -> None:
        reply = self.asha.move(self.path, kind, position)
        assert reply.status_code == 200, reply.json

    def _save(self, item: PaperItem, content: dict[str, object]) -> None:
        body = {"sequence": [1, item.position + 1], "content": content}
        reply = self.asha.http.put(f"{self.path}/answers/{item.position}", json=body, headers={"X-Actor": "asha"})
        assert reply.status_code == 200, reply.json

    def settle(self) -> Result:
        """What the worker does."""
        for response in self.services.responses.list_by_attempt(self.id):
            usecases.score_response(
                response_id=response.id,
                desk=desk_of(self.services),
                judges=judges_of(self.services),
                clock=self.services.now,
            )
        settle(self.id, self.services)
        found: list[Result] = self.services.results.list_by_attempt(self.id)
        (result,) = found
        return result

    def release(self, result: Result) -> None:
        self.services.releases.add(release_of(result, by="meera", at=self.services.now()))


@pytest.mark.parametrize("letter", FORMAT.forms)
def test_everything_right_reaches_the_top_without_a_person(letter: str) -> None:
    sitting = Sitting(letter)
    sitting.sit(right)
    assert sitting.services.attempts.find(sitting.id).state is AttemptState.SUBMITTED
    outcome = sitting.settle().outcome
    assert (outcome.overall, outcome.band, outcome.n_items, outcome.n_missing) == (80, "C2", 57, 0)
    assert {each.trait: (each.value, each.n_items) for each in outcome.subscores} == {
        "listening": (80, 22),
        "reading": (80, 35),
    }
    assert outcome.warnings == ()
    states = [response.state for response in sitting.services.responses.list_by_attempt(sitting.id)]
    assert states.count(ResponseState.PRACTICE) == 2
    assert states.count(ResponseState.SCORED) == 57


@pytest.mark.parametrize("letter", FORMAT.forms)
@pytest.mark.parametrize("answer", [blank, first_of_all])
def test_who_answers_nothing_or_always_takes_the_first_earns_the_bottom(letter: str, answer: Answer) -> None:
    sitting = Sitting(letter)
    sitting.sit(answer)
    outcome = sitting.settle().outcome
    assert outcome.overall is not None
    assert outcome.overall <= (20 if answer is blank else 28)
    assert outcome.band in ("<A1", "A1")


def test_the_pages_and_the_report_show_two_skills_and_nothing_of_others() -> None:
    sitting = Sitting("A")
    sitting.sit(right)
    result = sitting.settle()
    sitting.release(result)
    meera, asha = sitting.browse("meera"), sitting.browse("asha")
    pages = {
        path: browser.get(path).text
        for browser, path in (
            (meera, "/tests/delivery/results"),
            (meera, f"/results/{result.id}"),
            (meera, f"/results/{result.id}/how"),
            (asha, f"/results/{result.id}"),
        )
    }
    document = pypdf.PdfReader(io.BytesIO(meera.get(f"/results/{result.id}/report.pdf").data))
    pages["report"] = "\n".join(page.extract_text() for page in document.pages)
    for path, text in pages.items():
        assert "Listening" in text, path
        assert "Reading" in text, path
        for absent in ("Speaking", "Writing", "Pronunciation", "Intelligibility", "Typing speed", "without a score"):
            assert absent not in text, (path, absent)


def test_who_never_reached_the_texts_has_a_score_for_listening_only() -> None:
    sitting = Sitting("A")
    sitting.sit(right, until="C")
    sitting.services.now.move(seconds=(sitting.paper.allowed + timedelta(minutes=1)).total_seconds())
    assert sitting.asha.get(sitting.path).json["state"] == "expired"
    result = sitting.settle()
    listening, reading = result.outcome.subscores
    assert (listening.value, listening.n_items, listening.n_missing) == (80, 22, 0)
    assert (reading.value, reading.n_items, reading.n_missing) == (None, 10, 25)
    assert (result.outcome.overall, result.outcome.n_missing) == (None, 25)
    assert sum(item.state is ItemState.NOT_REACHED for item in result.items) == 25
