"""Open question: recorded for raters. The machine gives hints and no points; see docs/scoring/open_question.md."""

from backend.scoring.evidence import Evidence
from backend.scoring.keys import OpenQuestionKey
from backend.scoring.score import ItemScore, ScoreStatus
from backend.scoring.verdicts import sound_of

VERSION = "open_question-1"


def score(evidence: Evidence, key: OpenQuestionKey) -> ItemScore:
    """Always `needs_rater`, with the transcript and the timeline as hints."""
    del key  # raters judge without one
    return ItemScore(
        task=evidence.task,
        scorer_version=VERSION,
        status=ScoreStatus.NEEDS_RATER,
        reason=None if evidence.words else "no_speech",
        explanation=sound_of(evidence),
    )
