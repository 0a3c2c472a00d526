"""A disk that can lose power: a file system in user space (FUSE) that keeps only the bytes that were fsynced.

Every write goes to a *live* copy, which is what readers see. `fsync` and `fdatasync` copy the file's unsynced extents
into the *durable* copy. A power cut (kill -9 of this process) is followed by a mount whose live copy is the durable
one. Names
(create, rename, delete) are durable at once, so a file that was renamed before its bytes were synced comes back torn or
empty: a missing fsync before a rename shows, a missing fsync of the folder does not.

The file `mood` beside the two copies makes the disk fail while it runs: "eio" fails every fsync, "full" every write,
"slow 0.2" delays each fsync by so many seconds, "" is a healthy disk.

    python -m scripts.faults.disk BASE MOUNT
"""

import errno
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import mfusepy as fuse

COPIED_AT_ONCE = 1 << 20


class Disk(fuse.Operations):
    """`base` holds live/, durable/ and mood."""

    use_ns = True

    def __init__(self, base: Path) -> None:
        self._live, self._durable, self._mood = base / "live", base / "durable", base / "mood"
        self._unsynced: dict[int, list[tuple[int, int]]] = {}
        self._handles: dict[int, tuple[int, bool]] = {}

    # -- bytes ---------------------------------------------------------------------------------------------------------

    def open(self, path: str, flags: int) -> int:
        return self._opened(path, flags & ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC), truncates=bool(flags & os.O_TRUNC))

    def create(self, path: str, mode: int, fi: Any = None) -> int:  # noqa: ARG002 - FUSE's signature
        os.close(os.open(self._in_durable(path), os.O_WRONLY | os.O_CREAT, mode))
        return self._opened(path, os.O_RDWR | os.O_CREAT, mode=mode)

    def _opened(self, path: str, flags: int, *, mode: int = 0o600, truncates: bool = False) -> int:
        syncs = bool(flags & (os.O_SYNC | os.O_DSYNC))
        plain = (flags | os.O_RDWR) & ~(os.O_WRONLY | os.O_DIRECT | os.O_APPEND) if flags & 3 else flags & ~os.O_DIRECT
        live = os.open(self._in_live(path), plain, mode)
        if truncates:
            os.ftruncate(live, 0)
        durable = os.open(self._in_durable(path), os.O_RDWR)
        self._handles[live] = (durable, syncs)
        return live

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:  # noqa: ARG002
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:  # noqa: ARG002
        if self._is_in_mood("full"):
            raise fuse.FuseOSError(errno.ENOSPC)
        written = os.pwrite(fh, data, offset)
        self._unsynced.setdefault(os.fstat(fh).st_ino, []).append((offset, written))
        if self._handles[fh][1]:
            self._sync(fh)
        return written

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        os.truncate(fh if fh is not None else self._in_live(path), length)
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:  # noqa: ARG002
        self._wait_or_fail()
        self._sync(fh)
        return 0

    def _wait_or_fail(self) -> None:
        if self._is_in_mood("eio"):
            raise fuse.FuseOSError(errno.EIO)
        if self._is_in_mood("slow"):
            time.sleep(float(self._mood.read_text().split()[1]))

    def _sync(self, fh: int) -> None:
        durable, size = self._handles[fh][0], os.fstat(fh).st_size
        for offset, length in self._unsynced.pop(os.fstat(fh).st_ino, []):
            for start in range(offset, offset + length, COPIED_AT_ONCE):
                part = os.pread(fh, min(COPIED_AT_ONCE, offset + length - start), start)
                os.pwrite(durable, part, start)
        os.ftruncate(durable, size)

    def release(self, path: str, fh: int) -> int:  # noqa: ARG002
        os.close(self._handles.pop(fh)[0])
        os.close(fh)
        return 0

    def flush(self, path: str, fh: int) -> int:  # noqa: ARG002
        return 0

    # -- names ---------------------------------------------------------------------------------------------------------

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:  # noqa: ARG002
        found = os.lstat(self._in_live(path))
        plain = {
            name: getattr(found, name) for name in ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid", "st_ino")
        }
        times = {name: getattr(found, f"{name}_ns") for name in ("st_atime", "st_mtime", "st_ctime")}
        return {**plain, **times, "st_blocks": found.st_blocks}

    def readdir(self, path: str, fh: int) -> list[str]:  # noqa: ARG002
        return [".", "..", *os.listdir(self._in_live(path))]  # noqa: PTH208 - names, as FUSE wants them

    def mkdir(self, path: str, mode: int) -> int:
        for place in self._both(path):
            os.mkdir(place, mode)  # noqa: PTH102
        return 0

    def rmdir(self, path: str) -> int:
        for place in self._both(path):
            os.rmdir(place)  # noqa: PTH106
        return 0

    def unlink(self, path: str) -> int:
        for place in self._both(path):
            os.unlink(place)  # noqa: PTH108
        return 0

    def rename(self, old: str, new: str, flags: int = 0) -> int:  # noqa: ARG002
        for place, target in zip(self._both(old), self._both(new), strict=True):
            os.replace(place, target)  # noqa: PTH105
        return 0

    def link(self, target: str, source: str) -> int:
        for made, from_ in zip(self._both(target), self._both(source), strict=True):
            os.link(from_, made)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        for place in self._both(path):
            os.chmod(place, mode)  # noqa: PTH101
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        for place in self._both(path):
            os.chown(place, uid, gid)
        return 0

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        os.utime(self._in_live(path), ns=times) if times else os.utime(self._in_live(path))
        return 0

    def access(self, path: str, amode: int) -> int:
        if not os.access(self._in_live(path), amode):
            raise fuse.FuseOSError(errno.EACCES)
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(self._in_live(path))
        return {
            name: getattr(found, name)
            for name in dir(found)
            if name.startswith("f_") and name not in ("f_flag", "f_fsid")
        }

    # -- places --------------------------------------------------------------------------------------------------------

    def _in_live(self, path: str) -> str:
        return f"{self._live}{path}"

    def _in_durable(self, path: str) -> str:
        return f"{self._durable}{path}"

    def _both(self, path: str) -> tuple[str, str]:
        return self._in_live(path), self._in_durable(path)

    def _is_in_mood(self, word: str) -> bool:
        try:
            return self._mood.read_text().startswith(word)
        except FileNotFoundError:
            return False


def main() -> None:
    base, mount = Path(sys.argv[1]), sys.argv[2]
    live, durable = base / "live", base / "durable"
    durable.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(live, ignore_errors=True)
    shutil.copytree(durable, live)
    options = {"allow_other": True} if os.geteuid() == 0 else {}
    fuse.FUSE(Disk(base), mount, foreground=True, nothreads=True, **options)


if __name__ == "__main__":
    main()
