"""What stands in for costly or foreign parts in the programme's processes: ears that need no models, a careless
database client. Installed by the wrappers `web` and `jobs`, from the environment; the product knows nothing of it."""

import functools
import hashlib
import os
import time
from collections.abc import Sequence

import pymongo

import backend.storage.connection
import backend.wiring
from backend.adapters.speech.setup import SpeechSetup
from backend.features.ratings.repository import Listener
from backend.scoring.evidence import Aspects, Evidence, HeardWord, Quality, SpokenWord, VoiceActivity
from backend.scoring.keys import AnswerKey, ReadAloudKey, RepeatKey, ShortAnswerKey

LISTENS_S = 0.05
HEARD = "heard"


class Ears(Listener):
    """Hears the expected words in whatever is said, after a while, and notes the digest of what it was given."""

    def __init__(self, engines: Sequence[str], setup: SpeechSetup) -> None:  # noqa: ARG002 - as EngineListener
        self.engines = tuple(engines)

    def gather(
        self,
        recordings: Sequence[bytes],
        *,
        task: str,
        key: AnswerKey,
        engine: str,
        prompt: bytes | None = None,  # noqa: ARG002 - as EngineListener
    ) -> Evidence:
        time.sleep(LISTENS_S)
        text = _expected(key).split()
        words = tuple(
            HeardWord(text=word, start_ms=500 + 300 * at, end_ms=800 + 300 * at, confidence=0.9)
            for at, word in enumerate(text)
        )
        spoken_ms = 300 * len(words)
        return Evidence(
            task=task,
            duration_ms=1_200 + spoken_ms,
            quality=Quality(level_dbfs=-24.0, speech_dbfs=-20.0, snr_db=30.0),
            voice=VoiceActivity(
                speech_ms=spoken_ms,
                leading_ms=500,
                trailing_ms=700,
                segments=((500, 500 + spoken_ms),),
                peak_probability=0.99,
            ),
            words=words,
            spoken_words=tuple(
                SpokenWord(text=word.text, start_ms=word.start_ms, end_ms=word.end_ms, goodness=0.7) for word in words
            ),
            features={"phone_distance": 0.2},
            aspects=Aspects(accuracy=0.8, fluency=0.8, prosodic=0.8, total=0.8, confidence=0.8, calibration="drill"),
            engine=engine,
            engine_version="1",
            versions={HEARD: digest_of(recordings)},
        )


def digest_of(recordings: Sequence[bytes]) -> str:
    """Of several segments together, in their order."""
    return hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in recordings)).hexdigest()


def _expected(key: AnswerKey) -> str:
    if isinstance(key, ReadAloudKey | RepeatKey):
        return key.text
    return key.accepted[0] if isinstance(key, ShortAnswerKey) else "something"


def install() -> None:
    """Replaces the ears; with FAULT_JOURNAL=off also the database client, by one that does not wait for the disk."""
    setattr(backend.wiring, "EngineListener", Ears)  # noqa: B010 - mypy: another class on purpose
    if os.environ.get("FAULT_JOURNAL") == "off":
        careless = functools.partial(_connect_carelessly)
        setattr(backend.storage.connection, "MongoClient", careless)  # noqa: B010


def _connect_carelessly(uri: str, **options: object) -> pymongo.MongoClient[dict[str, object]]:
    options["journal"] = False
    return pymongo.MongoClient(uri.replace("journal=true", "journal=false"), **options)  # type: ignore[arg-type]
