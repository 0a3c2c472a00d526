"""Passage reconstruction: a passage that was read, written again; see docs/scoring/passage_reconstruction.md.

Content by key points, never similarity alone; words that make no sentences earn nothing from the machine. The passage
is out of sight while it is written, so word for word is as good as own words.
"""

from backend.scoring.coverage import credit_of, words_agree
from backend.scoring.keys import PassageKey
from backend.scoring.score import ItemScore, Trait
from backend.scoring.verdicts import ramp
from backend.scoring.writing import TextEvidence, blank, mechanics, prose_of, verdict

VERSION = "passage_reconstruction-1"
TRAITS = (Trait.READING_COMPREHENSION, Trait.GRAMMAR)
_ENOUGH_WORDS = 30


def score(evidence: TextEvidence, key: PassageKey) -> ItemScore:
    early = blank(evidence, TRAITS, version=VERSION)
    if early:
        return early
    prose = prose_of(evidence, source="")
    near = evidence.meaning.key_points if evidence.meaning else ()
    agree = [words_agree(point, prose.tokens) for point in key.key_points]
    credits_ = [credit_of(words, near[at] if at < len(near) else 0.0) for at, words in enumerate(agree)]
    coverage = sum(credits_) / len(credits_)
    about = ramp(coverage, 0.0, 0.3) * prose.makes_sense
    length = ramp(prose.own, 5, _ENOUGH_WORDS)
    salad = prose.is_salad and coverage >= 0.3
    return verdict(
        evidence,
        {
            Trait.READING_COMPREHENSION: coverage * ramp(prose.makes_sense, 0.0, 0.6),
            Trait.GRAMMAR: mechanics(evidence, prose) * length * about,
        },
        version=VERSION,
        confidence=0.0 if salad else 0.75 if evidence.meaning else 0.55,
        reason="word_salad" if salad else "off_topic" if coverage < 0.1 else None,
        explanation={
            "expected": key.passage,
            "key_points": [
                {"text": point.text, "covered": credit >= 0.5, "credit": round(credit, 3), "words_agree": round(w, 3)}
                for point, credit, w in zip(key.key_points, credits_, agree, strict=True)
            ],
            "coverage": round(coverage, 3),
            "prose": prose.to_dict(),
        },
    )
