"""Objects in memory. Presigned addresses are answered by `receive`, which refuses what S3 would refuse."""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from backend.core.errors import PermanentFailure
from backend.core.ports import BlobInfo, Blobs, PresignedPut

LIFETIME = timedelta(minutes=5)


class MemoryBlobs(Blobs):
    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, str]] = {}
        self._permits: dict[str, tuple[str, str, int, datetime]] = {}
        self._lock = threading.Lock()

    def put(self, key: str, data: bytes, *, content_type: str) -> None:
        with self._lock:
            self._objects[key] = (data, content_type)

    def get(self, key: str) -> bytes:
        with self._lock:
            if key not in self._objects:
                raise PermanentFailure("blob_missing")
            return self._objects[key][0]

    def find(self, key: str) -> BlobInfo | None:
        with self._lock:
            stored = self._objects.get(key)
        return None if stored is None else BlobInfo(size=len(stored[0]), content_type=stored[1])

    def delete(self, key: str) -> None:
        with self._lock:
            self._objects.pop(key, None)

    def presign_put(self, key: str, *, content_type: str, size: int, now: datetime) -> PresignedPut:
        url = f"memory://put/{key}"
        expires_at = now + LIFETIME
        with self._lock:
            self._permits[url] = (key, content_type, size, expires_at)
        return PresignedPut(url=url, headers={"Content-Type": content_type}, expires_at=expires_at)

    def presign_get(self, key: str, *, now: datetime) -> str:  # noqa: ARG002 - the port's; nothing expires here
        return f"memory://get/{key}"

    def check(self) -> None:
        return

    def receive(self, url: str, data: bytes, headers: Mapping[str, str], *, at: datetime) -> bool:
        """A browser's PUT to a presigned address; False where the store would refuse it."""
        with self._lock:
            permit = self._permits.get(url)
            if permit is None:
                return False
            key, content_type, size, expires_at = permit
            if at > expires_at or len(data) != size or headers.get("Content-Type") != content_type:
                return False
            self._objects[key] = (data, content_type)
            return True

    def list_keys(self) -> list[str]:
        """Every key that holds an object."""
        with self._lock:
            return sorted(self._objects)
