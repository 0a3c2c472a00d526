"""Essay: machine points for grammar, vocabulary and organization; see docs/scoring/essay.md."""

from backend.scoring.free_writing import judge, organization, read
from backend.scoring.keys import WritingKey
from backend.scoring.score import ItemScore, Trait
from backend.scoring.writing import TextEvidence, blank, connectors, sentence_count

VERSION = "essay-1"
TRAITS = (Trait.GRAMMAR, Trait.VOCABULARY, Trait.ORGANIZATION)
_OPINION = frozenset({"think", "believe", "opinion", "agree", "disagree", "prefer", "should", "view"})
_REASON = frozenset({"because", "since", "therefore", "so", "reason", "example"})


def score(evidence: TextEvidence, key: WritingKey) -> ItemScore:
    """Every trait in proportion to how far the text answers its question, in its writer's own words, at length."""
    early = blank(evidence, TRAITS, version=VERSION)
    if early:
        return early
    reading = read(evidence, key)
    words = set(reading.prose.tokens)
    parts = (bool(words & _OPINION), bool(words & _REASON), sentence_count(evidence.text) >= 3)
    return judge(
        evidence,
        reading,
        version=VERSION,
        shape=organization(evidence, reading, parts=parts),
        more={},
        hints={"takes_a_view": parts[0], "gives_reasons": parts[1], "links": len(connectors(reading.prose.tokens))},
    )
