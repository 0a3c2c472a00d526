"""Fakes of the speech services on this machine: the vendors' real SDKs talk to them as they would to the vendors."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.server import ServerConnection, serve

TICKS_PER_MS = 10_000


@dataclass
class FakeService:
    """`name` is the engine's. `says` are the words that it hears, 300 ms each from 200 ms on; `fails` an HTTP status
    with which it refuses; `lacks` a member that its reply has lost; `garbles`: what it sends is no reply at all."""

    name: str = ""
    address: str = ""
    says: str = "he might even have been made amiable himself"
    fails: int | None = None
    lacks: str = ""
    garbles: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    received_bytes: int = 0

    def spans(self) -> Iterator[tuple[str, int, int]]:
        for index, word in enumerate(self.says.split()):
            yield word, 200 + 300 * index, 480 + 300 * index


# -- Google: REST ------------------------------------------------------------------------------------------------------


@contextmanager
def fake_google() -> Iterator[FakeService]:
    service = FakeService()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.asked.append(asked)
            body = b"<html>A proxy</html>" if service.garbles else json.dumps(_google_reply(service)).encode()
            self.send_response(service.fails or 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    service.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _google_reply(service: FakeService) -> dict[str, Any]:
    if service.fails:
        return {"error": {"code": service.fails, "message": "refused", "status": "REFUSED"}}
    words = [
        {"word": word, "startTime": f"{start / 1000:.3f}s", "endTime": f"{end / 1000:.3f}s", "confidence": 0.9}
        for word, start, end in service.spans()
    ]
    return {"results": [{"alternatives": [{"transcript": service.says, "confidence": 0.9, "words": words}]}]}


# -- Azure: its speech protocol over a WebSocket -----------------------------------------------------------------------


@contextmanager
def fake_azure() -> Iterator[FakeService]:
    service = FakeService()

    def refuse(connection: ServerConnection, _: Any) -> Any:
        return None if service.fails is None else connection.respond(service.fails, "refused\n")

    with serve(lambda connection: _azure_talk(connection, service), "127.0.0.1", 0, process_request=refuse) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        service.address = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        try:
            yield service
        finally:
            server.shutdown()
            thread.join(5)


def _azure_talk(connection: ServerConnection, service: FakeService) -> None:
    """One turn for each sound: begins with its first bytes, ends with the empty message that ends it. After the phrase
    the SDK sends what came behind its last word once more, and hears that nothing was said there."""
    reference, began, heard = None, False, False
    for message in connection:
        if isinstance(message, str):
            head, _, body = message.partition("\r\n\r\n")
            if _headers(head).get("path") == "speech.context":
                asked = json.loads(body)
                service.asked.append(asked)
                enrichment = asked.get("phraseDetection", {}).get("enrichment", {})
                reference = enrichment.get("pronunciationAssessment", {}).get("referenceText")
            continue
        length = int.from_bytes(message[:2], "big")
        headers, sound = _headers(message[2 : 2 + length].decode()), message[2 + length :]
        service.received_bytes += len(sound)
        request_id = headers.get("x-requestid", "")
        if not began:
            began = True
            connection.send(_azure_message("turn.start", request_id, {"context": {"serviceTag": "fake"}}))
        if not sound:
            connection.send(_azure_message("speech.startDetected", request_id, {"Offset": 200 * TICKS_PER_MS}))
            connection.send(_azure_message("speech.phrase", request_id, _azure_phrase(service, reference, heard)))
            connection.send(_azure_message("speech.endDetected", request_id, {"Offset": 4000 * TICKS_PER_MS}))
            connection.send(_azure_message("turn.end", request_id, {}))
            began, heard = False, True


def _headers(text: str) -> dict[str, str]:
    lines = (line.split(":", 1) for line in text.split("\r\n") if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in lines}


def _azure_message(path: str, request_id: str, body: dict[str, Any]) -> str:
    head = f"Path:{path}\r\nX-RequestId:{request_id}\r\nContent-Type:application/json; charset=utf-8"
    return f"{head}\r\n\r\n{json.dumps(body)}"


def _azure_phrase(service: FakeService, reference: str | None, heard: bool) -> dict[str, Any]:
    if heard or not service.says:
        return {"RecognitionStatus": "NoMatch", "Offset": 0, "Duration": 0}
    words = [_azure_word(word, start, end, reference is not None) for word, start, end in service.spans()]
    for word in words:
        word.pop(service.lacks, None)
    best: dict[str, Any] = {
        "Confidence": 0.88,
        "Lexical": service.says,
        "ITN": service.says,
        "MaskedITN": service.says,
        "Display": service.says,
        "Words": words,
    }
    if reference is not None:
        best["PronunciationAssessment"] = {
            "AccuracyScore": 82.0,
            "FluencyScore": 74.0,
            "ProsodyScore": 66.0,
            "CompletenessScore": 100.0,
            "PronScore": 73.0,
        }
        best["PronunciationAssessment"].pop(service.lacks, None)
    return {
        "RecognitionStatus": "Success",
        "Offset": 200 * TICKS_PER_MS,
        "Duration": 300 * len(words) * TICKS_PER_MS,
        "DisplayText": service.says,
        "NBest": [best],
    }


def _azure_word(word: str, start: int, end: int, is_assessed: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "Word": word,
        "Offset": start * TICKS_PER_MS,
        "Duration": (end - start) * TICKS_PER_MS,
        "Confidence": 0.91,
    }
    if is_assessed:
        weak = word == "amiable"
        row["PronunciationAssessment"] = {
            "AccuracyScore": 35.0 if weak else 90.0,
            "ErrorType": "Mispronunciation" if weak else "None",
        }
        row["Phonemes"] = [
            {
                "Phoneme": word[0],
                "Offset": start * TICKS_PER_MS,
                "Duration": 100 * TICKS_PER_MS,
                "PronunciationAssessment": {
                    "AccuracyScore": 12.0 if weak else 95.0,
                    "NBestPhonemes": [{"Phoneme": "ɛ" if weak else word[0], "Score": 90.0}],
                },
            }
        ]
    return row
