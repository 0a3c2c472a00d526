"""E-mail: machine points for grammar, vocabulary, organization, voice and tone; see docs/scoring/email.md."""

import re

from backend.scoring.free_writing import Reading, judge, organization, read
from backend.scoring.keys import WritingKey
from backend.scoring.score import ItemScore, Trait
from backend.scoring.text import word_set
from backend.scoring.verdicts import ramp
from backend.scoring.writing import TextEvidence, blank

VERSION = "email-1"
TRAITS = (Trait.GRAMMAR, Trait.VOCABULARY, Trait.ORGANIZATION, Trait.VOICE_AND_TONE)
_GREETING = re.compile(r"^\W*(dear|hello|hi|hey|good (morning|afternoon|evening)|to whom)\b", re.IGNORECASE)
_CLOSING = re.compile(
    r"\b(regards|sincerely|faithfully|best wishes|kind wishes|yours|thank you|thanks|cheers|see you|take care|love)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"\b(please|thank|thanks|grateful|appreciate|kindly|would you|could you|would like|i hope|sorry|apologi[sz]e|"
    r"look forward|may i|might)\b",
    re.IGNORECASE,
)
_SLANG = word_set("gonna wanna gotta ya yeah u ur pls plz thx lol omg btw cuz coz dude guys stuff yo asap hey")


def score(evidence: TextEvidence, key: WritingKey) -> ItemScore:
    """Every trait in proportion to how far the e-mail answers its task, in its writer's own words, at length."""
    early = blank(evidence, TRAITS, version=VERSION)
    if early:
        return early
    reading = read(evidence, key)
    greeting, closing = _is_greeted(evidence.text), _is_closed(evidence.text)
    tone = _tone(evidence.text, reading, key.register, greeting=greeting, closing=closing)
    return judge(
        evidence,
        reading,
        version=VERSION,
        shape=organization(evidence, reading, parts=(greeting, closing)),
        more={Trait.VOICE_AND_TONE: tone},
        hints={"greeting": greeting, "closing": closing, "register": key.register, "tone": round(tone, 3)},
    )


def _is_greeted(text: str) -> bool:
    return bool(_GREETING.match(text.strip()))


def _is_closed(text: str) -> bool:
    return bool(_CLOSING.search(" ".join(text.split()[-14:])))


def _tone(text: str, reading: Reading, register: str, *, greeting: bool, closing: bool) -> float:
    """0..1: what the register asks for. Politeness counts everywhere, contractions and slang against a formal one."""
    polite = ramp(len({found.lower() for found in _POLITE.findall(text)}), 0, 3)
    count = max(len(reading.prose.tokens), 1)
    slang = sum(word in _SLANG for word in re.findall(r"[a-z']+", text.lower())) / count
    short = len(re.findall(r"\w'(m|re|ll|d|ve|t)\b", text)) / count
    frame = 0.5 * greeting + 0.5 * closing
    loud = ramp(text.count("!") + len(re.findall(r"\b[A-Z]{4,}\b", text)), 1, 5)
    if register == "informal":
        return 0.5 * frame + 0.3 * polite + 0.2 * (1 - 0.5 * loud)
    strict = 1.0 if register == "formal" else 0.5
    against = ramp(slang, 0.0, 0.04) + strict * ramp(short, 0.01, 0.06) + 0.5 * strict * loud
    return (0.4 * frame + 0.6 * polite) * (1 - min(against, 1.0) * 0.7)
