"""Parts of recordings that wait for the rest, and their end."""

import structlog

from backend.core.errors import AdapterError
from backend.core.ports import Blobs
from backend.features.attempts.recordings.model import Upload
from backend.features.attempts.repository import Uploads

log = structlog.get_logger()


def forget_upload(upload: Upload, *, uploads: Uploads, blobs: Blobs) -> None:
    """Its parts and what is known of it. Best effort: settling the attempt tidies what is left."""
    try:
        uploads.remove(upload.id)
        for key in upload.part_keys:
            blobs.delete(key)
    except AdapterError as failure:
        log.warning("upload_not_forgotten", attempt_id=upload.attempt_id, reason=failure.reason)


def forget_uploads_of(*, attempt_id: str, uploads: Uploads, blobs: Blobs) -> None:
    """What never became whole; to be called once the attempt is settled."""
    for upload in uploads.list_by_attempt(attempt_id):
        forget_upload(upload, uploads=uploads, blobs=blobs)
