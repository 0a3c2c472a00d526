"""Google Speech-to-Text (v1, REST): words, times and confidences. It judges no voice: that stays the default engine's.

REST rather than gRPC, because scoring forks, and gRPC does not survive a fork.
"""

from typing import Any
from urllib.parse import urlsplit

from backend.adapters.speech.borrowed import BorrowedWords
from backend.adapters.speech.samples import as_int16
from backend.adapters.speech.setup import SpeechSetup
from backend.adapters.speech.vendors import failing_as_ours, installed_version
from backend.core.errors import AdapterError, PermanentFailure, TemporaryFailure
from backend.scoring.evidence import SAMPLE_RATE, HeardWord, Hints, Pcm, SpeechEngine

NAME = "google"
_PACKAGE = "google-cloud-speech"
_PATIENCE_S = 60.0
_HOST = "speech.googleapis.com"
# Names of google-api-core's and google-auth's errors after which another try would end the same way.
_REFUSALS = frozenset(
    {"Unauthenticated", "Unauthorized", "PermissionDenied", "Forbidden", "InvalidArgument", "BadRequest"}
    | {"RefreshError", "InvalidOperation"}
)


class GoogleWords:
    """The recogniser alone; connects at first use."""

    def __init__(self, setup: SpeechSetup) -> None:
        self._setup = setup
        self._client: Any = None  # the SDK's types are generated at run time

    def check(self) -> None:
        """PermanentFailure: `engine_not_installed`, `engine_not_set_up`. Nothing is sent."""
        installed_version(_PACKAGE)
        key = self._setup.google_credentials
        if not self._setup.google_endpoint and (key is None or not key.is_file()):
            raise PermanentFailure("engine_not_set_up")

    def recognise(self, pcm: Pcm, hints: Hints) -> tuple[HeardWord, ...]:  # noqa: ARG002 - the language is the setup's
        if self._client is None:
            with failing_as_ours(NAME, "loading"):
                self._client = self._connect()
        with failing_as_ours(NAME, "asking"):
            reply = self._ask(pcm)
        with failing_as_ours(NAME, "reading"):
            return _words(reply)

    def _ask(self, pcm: Pcm) -> Any:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import speech_v1 as speech
        from requests.exceptions import RequestException

        config = speech.RecognitionConfig(
            encoding=speech.RecognitionConfig.AudioEncoding.LINEAR16,
            sample_rate_hertz=SAMPLE_RATE,
            language_code=self._setup.language,
            enable_word_time_offsets=True,
            enable_word_confidence=True,
            enable_automatic_punctuation=True,
        )
        sound = speech.RecognitionAudio(content=as_int16(pcm))
        try:
            return self._client.recognize(config=config, audio=sound, timeout=_PATIENCE_S, retry=None)
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            raise _failure(error) from None

    def _connect(self) -> Any:
        self.check()
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.speech_v1 import SpeechClient
        from google.cloud.speech_v1.services.speech.transports import SpeechRestTransport
        from google.oauth2.service_account import Credentials

        place = urlsplit(self._setup.google_endpoint or f"https://{_HOST}")
        key = self._setup.google_credentials
        credentials: Any = (
            AnonymousCredentials()  # type: ignore[no-untyped-call, unused-ignore] # no types, or not installed
            if key is None
            else Credentials.from_service_account_file(str(key))  # type: ignore[no-untyped-call, unused-ignore]
        )
        return SpeechClient(
            transport=SpeechRestTransport(host=place.netloc, url_scheme=place.scheme, credentials=credentials)
        )


def _words(reply: Any) -> tuple[HeardWord, ...]:
    return tuple(
        HeardWord(
            text=word.word,
            start_ms=round(word.start_time.total_seconds() * 1000),
            end_ms=round(word.end_time.total_seconds() * 1000),
            confidence=word.confidence or result.alternatives[0].confidence,
        )
        for result in reply.results
        if result.alternatives
        for word in result.alternatives[0].words
    )


def _failure(error: Exception) -> AdapterError:
    """Ours for the vendor's. Its text stays out: it may hold addresses."""
    if type(error).__name__ in _REFUSALS:
        return PermanentFailure("engine_refused")
    return TemporaryFailure("engine_unreachable")


def build(setup: SpeechSetup, voice: SpeechEngine) -> BorrowedWords:
    """PermanentFailure as `GoogleWords.check`."""
    words = GoogleWords(setup)
    words.check()
    return BorrowedWords(
        NAME,
        recognise=words.recognise,
        voice=voice,
        prepare=words.check,
        version=f"v1 {setup.language} {_PACKAGE} {installed_version(_PACKAGE)}",
    )
