import json

from backend.scoring.evidence import Evidence
from tests.support.speech import evidence


def test_evidence_survives_json() -> None:
    whole = evidence("retelling", "the boy went home with his dog", plausibility=-4.25, meaning=[0.5, 0.75])
    assert Evidence.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


def test_evidence_of_silence_survives_json() -> None:
    silent = evidence("repeat", "")
    assert silent.aspects is None
    assert Evidence.from_dict(json.loads(json.dumps(silent.to_dict()))) == silent
