"""The two-page score report: what was reached, what it means, what would improve it."""

from collections.abc import Mapping

from backend.features.reports.model import (
    Subject,
    completion_text,
    confidence_text,
    confidence_word,
    likely_range,
    missing_text,
    no_score_text,
    typing_text,
    withheld_text,
)
from backend.features.results.model import Result, TraitResult
from backend.scoring.descriptors import Descriptors
from backend.scoring.scales import Scale
from backend.scoring.scorers import SCORERS


def describe(result: Result, subject: Subject, scale: Scale, words: Descriptors) -> Mapping[str, object]:
    """All that the report shows, as plain JSON. The same result, person and words give the same data."""
    outcome = result.outcome
    span = likely_range(outcome.overall, outcome.sem, scale)
    return {
        "name": subject.name,
        "roll_number": subject.roll_number,
        "campus": subject.campus_name,
        "test": result.title,
        "completed": completion_text(result),
        "number": result.number,
        "verify_url": subject.verify_url,
        "scale": {
            "name": scale.name,
            "lowest": scale.lowest,
            "highest": scale.highest,
            "bands": bands_of(scale),
            "cut_table": scale.cut_table.id,
        },
        "overall": {
            "value": outcome.overall,
            "band": outcome.band,
            "range": list(span) if span else None,
            "text": words.overall[outcome.band] if outcome.band else _no_overall(result),
        },
        "intelligibility": outcome.intelligibility,
        "tells_intelligibility": bool(scale.intelligibility),
        "withheld": withheld_text(outcome),
        "typing": typing_text(outcome),
        "confidence": {
            "word": confidence_word(outcome),
            "text": confidence_text(outcome, is_spoken=_is_spoken(result)),
        },
        "missing": missing_text(result),
        "skills": [_skill(each, scale, words) for each in outcome.subscores],
        "basis": _basis(result),
        "is_spoken": _is_spoken(result),
        "versions": _versions(result, words),
    }


def _is_spoken(result: Result) -> bool:
    """Whether any answer was a recording."""
    return any(item.task in SCORERS for item in result.items)


def bands_of(scale: Scale) -> list[dict[str, object]]:
    """Each band with its lowest and highest score, from the lowest up."""
    cuts = scale.cut_table.cuts
    ends = [cut.lowest - 1 for cut in cuts[1:]] + [scale.highest]
    return [{"band": cut.band, "lowest": cut.lowest, "highest": end} for cut, end in zip(cuts, ends, strict=True)]


def _skill(trait: TraitResult, scale: Scale, words: Descriptors) -> dict[str, object]:
    about = words.traits[trait.trait]
    advice = about.by_band[trait.band] if trait.band else None
    span = likely_range(trait.value, trait.sem, scale)
    return {
        "trait": trait.trait,
        "name": about.name,
        "meaning": about.meaning,
        "value": trait.value,
        "band": trait.band,
        "range": list(span) if span else None,
        "now": advice.now if advice else no_score_text(trait),
        "improve": advice.improve if advice else None,
    }


def _no_overall(result: Result) -> str:
    if "mostly_silent" in result.outcome.warnings:
        return (
            "Almost no speech was recorded, so no score is given. "
            "The microphone may not have worked: ask for another sitting."
        )
    return (
        "There are not enough scored answers for an overall score. "
        "Scores of single skills are shown where there are any."
    )


def _basis(result: Result) -> str:
    rated = sum(1 for item in result.items if item.state == "for_rater")
    text = f"Based on {result.outcome.n_items} answers scored by machine"
    return f"{text}; {rated} open answers were recorded for raters and do not count." if rated else f"{text}."


def _versions(result: Result, words: Descriptors) -> list[str]:
    """Everything that made the score, by version: small print, and what a dispute needs."""
    used = result.versions
    return [
        f"Format {used.format_id} {used.format_version}",
        f"Form {used.form_id}",
        f"Scale {used.scale_id} {used.scale_version}",
        f"Cut table {used.cut_table_id}",
        f"Scorers {', '.join(used.scorers) or 'none'}",
        f"Engine {', '.join(used.engines) or 'none'}",
        f"Calibration {', '.join(used.calibrations) or 'none'}",
        f"Texts {words.id} {words.version}",
        f"Software {used.software}",
        f"Settlement {result.settlement}",
    ]
