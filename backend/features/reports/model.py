"""What a report needs beside the result, and how figures are said in words."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from backend.features.results.model import ItemState, Outcome, Result, TraitResult
from backend.scoring.scales import Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom the report is about, as they are called today, and where anybody may have it verified."""

    name: str
    roll_number: str
    campus_name: str
    verify_url: str


# Above these confidences (0..1) an outcome is called high, or moderate; below, low.
_HIGH, _MODERATE = 0.7, 0.45


def confidence_word(outcome: Outcome) -> str:
    if outcome.overall is None:
        return "Too little to judge"
    if outcome.confidence >= _HIGH:
        return "High"
    return "Moderate" if outcome.confidence >= _MODERATE else "Low"


def confidence_text(outcome: Outcome, *, is_spoken: bool = True) -> str:
    """How sure the machine is, in plain words."""
    typed = {
        "High": "The answers could be judged well and agree with each other.",
        "Moderate": "Most answers could be judged well; some leave room for doubt.",
        "Low": "Many answers were hard to judge. Treat this score with caution and consider another sitting.",
    }
    texts = {
        "Too little to judge": "Too few answers could be scored to give an overall score.",
        "High": "The recordings were clear and the answers agree well with each other.",
        "Moderate": "Most recordings could be judged well; some leave room for doubt.",
        "Low": "Many recordings were hard to judge. Treat this score with caution and consider another sitting.",
    }
    word = confidence_word(outcome)
    return texts[word] if is_spoken else typed.get(word, texts[word])


def typing_text(outcome: Outcome) -> str | None:
    """Speed and accuracy of typing, where typing was tested."""
    if not outcome.typing:
        return None
    speed, accuracy = outcome.typing["words_per_minute"], outcome.typing["accuracy"]
    return f"Typing: {speed:.0f} words a minute, {100 * accuracy:.0f} % accurate."


def likely_range(value: int | None, sem: float | None, scale: Scale) -> tuple[int, int] | None:
    """Where two of three sittings like this would land: one standard error either way, within the scale."""
    if value is None or sem is None:
        return None
    return max(scale.lowest, round(value - sem)), min(scale.highest, round(value + sem))


def missing_text(result: Result) -> str | None:
    """Says which questions do not count, and whether they were reached, or None. They are left out, never counted as
    zero."""
    missing = result.outcome.n_missing
    unreached = min(missing, sum(item.state is ItemState.NOT_REACHED for item in result.items))
    found = []
    if missing > unreached:
        found.append(f"{_counted(missing - unreached, 'answer')} could not be scored and {_are(missing - unreached)}")
    if unreached:
        was = "was" if unreached == 1 else "were"
        found.append(f"{_counted(unreached, 'question')} {was} not reached and {_are(unreached)}")
    if not found:
        return None
    return " ".join(f"{each} left out." for each in found) + " What is left out is not counted as wrong."


def _counted(count: int, thing: str) -> str:
    return f"One {thing}" if count == 1 else f"{count} {thing}s"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def withheld_text(outcome: Outcome) -> str | None:
    """Says that scores are withheld because of slow typing, or None."""
    if "typing_too_slow" not in outcome.warnings:
        return None
    return (
        "Typing was too slow, or too different from the printed text, for a writing score: above 12 words a minute and "
        "at least 90 percent accurate are needed. Slow typing would look like weak English, so no number is given."
    )


def no_score_text(trait: TraitResult) -> str:
    return f"Too few answers could be scored for a number here: {trait.n_items}. This is not a low score; it is none."


def completion_text(result: Result) -> str:
    """E.g. ``"23 November 2026, 11:42 IST (UTC+05:30)"``."""
    return moment_text(result.completed_at, result.time_zone)


def moment_text(moment: datetime, zone: str) -> str:
    there = moment.astimezone(ZoneInfo(zone))
    offset = there.strftime("%z")
    name = there.tzname() or ""
    utc = f"UTC{offset[:3]}:{offset[3:]}"
    day = f"{there.day} {there.strftime('%B %Y, %H:%M')}"
    # Zones without letters of their own are called by their offset: it is said once.
    return f"{day} {name} ({utc})" if name.isalpha() and name != "UTC" else f"{day} {utc}"
