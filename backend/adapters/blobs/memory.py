"""Objects in memory. Presigned addresses name the key."""

import threading
from datetime import datetime

from backend.core.errors import PermanentFailure
from backend.core.ports import BlobInfo, Blobs


class MemoryBlobs(Blobs):
    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, str]] = {}
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

    def presign_get(self, key: str, *, now: datetime) -> str:  # noqa: ARG002 - the port's; nothing expires here
        return f"memory://get/{key}"

    def check(self) -> None:
        return

    def list_keys(self) -> list[str]:
        """Every key that holds an object."""
        with self._lock:
            return sorted(self._objects)
