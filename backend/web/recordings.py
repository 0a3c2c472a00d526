"""A stored recording as a reply: from our own address, so that a page may also play it word by word."""

from io import BytesIO

from flask import send_file
from flask.wrappers import Response

from backend.core.errors import NotFound, PermanentFailure
from backend.core.ports import Blobs


def send_recording(blobs: Blobs, blob_key: str, content_type: str) -> Response:
    """The whole recording, or the range that was asked for; the browser keeps none of it. NotFound where it is gone."""
    try:
        data = blobs.get(blob_key)
    except PermanentFailure as failure:
        if failure.reason != "blob_missing":
            raise
        raise NotFound() from failure
    reply = send_file(BytesIO(data), mimetype=content_type.split(";", 1)[0], conditional=True, etag=False)
    reply.headers["Cache-Control"] = "private, no-store"
    return reply
