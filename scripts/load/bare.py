# ruff: noqa: E402 - the patch must come before everything that opens a socket
from gevent import monkey

monkey.patch_all()

"""The least that saves an answer: a bare WSGI handler under the same server, with the very write that Viva does.

No sign-in, no gate, no limit, no schema, no framework: what Viva's answer path costs beyond this is the application.
"""

import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient

_client: MongoClient[dict[str, Any]] = MongoClient(os.environ["MONGODB_URI"], w="majority", journal=True, connect=False)
_responses = _client[os.environ["MONGODB_DATABASE"]]["responses"]


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """`PUT /<response id>` with the body of Viva's `PUT /api/attempts/{id}/answers/{position}`."""
    if environ["REQUEST_METHOD"] == "GET":
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]
    message = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    epoch, number = message["sequence"]
    now, rank = datetime.now(UTC), (epoch << 32) + number + 1
    student_id = environ["HTTP_X_STUDENT"]
    outcome = _responses.update_one(
        {
            "_id": environ["PATH_INFO"][1:],
            "student_id": student_id,
            "answer_until": {"$gt": now},
            "answer_rank": {"$lt": rank},
        },
        {
            "$set": {
                "answer": {"text": message["content"]["text"], "texts": [], "choices": []},
                "answer_rank": rank,
                "answered_at": now,
            },
            "$inc": {"revision": 1},
        },
    )
    status = "200 OK" if outcome.matched_count else "409 Conflict"
    body = json.dumps({"sequence": [epoch, number], "saved_at": now.isoformat()}).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
