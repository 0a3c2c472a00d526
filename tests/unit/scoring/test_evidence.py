import json
from dataclasses import replace

from backend.scoring.evidence import Evidence
from tests.support.speech import evidence


def test_evidence_survives_json() -> None:
    whole = evidence("retelling", "the boy went home with his dog", plausibility=-4.25, meaning=[0.5, 0.75])
    assert Evidence.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


def test_whatever_could_move_an_answer_is_in_the_line_that_says_what_heard_it() -> None:
    heard = replace(
        evidence("repeat", "we walked"), versions={"pipeline": "4", "calibration": "made-1", "whisper": "a"}
    )
    assert heard.heard_by.startswith("made 1, pipeline 4, calibration made-1, ")
    assert heard.heard_by == replace(heard, words=(), aspects=None).heard_by
    others = [
        replace(heard, engine_version="2"),
        *(replace(heard, versions={**heard.versions, name: "b"}) for name in heard.versions),
    ]
    assert len({heard.heard_by, *(each.heard_by for each in others)}) == 5


def test_evidence_of_silence_survives_json() -> None:
    silent = evidence("repeat", "")
    assert silent.aspects is None
    assert Evidence.from_dict(json.loads(json.dumps(silent.to_dict()))) == silent
