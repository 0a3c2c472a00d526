"""What a process knows of stored packages. They never change, so where one lies can be told without the store."""

import threading
from collections.abc import Callable

from backend.core.ports import Blobs

_CONTENT_TYPE = "application/octet-stream"


class Shelf:
    """A whole college asks at once when its first candidate enters: one request makes the package, the others wait."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._stored: set[str] = set()
        self._making = threading.Lock()

    def ensure(self, blob_key: str, make: Callable[[], bytes]) -> None:
        """Returns when the package is stored under that key. AdapterError: the store is away and it is unknown."""
        if blob_key in self._stored:
            return
        with self._making:
            if blob_key in self._stored:
                return
            if self._blobs.find(blob_key) is None:
                self._blobs.put(blob_key, make(), content_type=_CONTENT_TYPE)
            self._stored.add(blob_key)
