"""Files of the cache that are believed without further question, since only we can have written them.

A file is found when it is a regular one of our own that nobody else can write, and when it is whole and meant for what
it is asked for: a checksum binds its content to a key.
"""

from __future__ import annotations

import os
import stat
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final

from sysdig_py import locations

_CHECK_BYTES: Final = 4


def read(name: str, key: str) -> bytes | None:
    """Return the content kept under `name` for `key`; None when there is none that can be trusted."""
    try:
        raw = _read(locations.cache() / name)
    except OSError:
        return None
    check, body = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
    return body if check == _check(key, body) else None


def write(name: str, key: str, body: bytes, *, pattern: str, kept: int) -> None:
    """Keep `body`, and forget the oldest files like `pattern` beyond `kept`.

    A cache that cannot be written costs time at the next start, nothing else.
    """
    with suppress(OSError):
        path = locations.cache() / name
        # as `tempfile` does it, which is slow to load
        aside = path.with_name(f"{name}-{os.urandom(8).hex()}.new")
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(_check(key, body) + body)
            aside.replace(path)
        except OSError:
            aside.unlink()
            raise
        _forget_oldest(path.parent, pattern, kept)


def _check(key: str, body: bytes) -> bytes:
    """Return what binds the body to its key: a file under another name is not valid."""
    return zlib.crc32(body, zlib.crc32(key.encode())).to_bytes(_CHECK_BYTES, "little")


def _read(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        ours = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        return file.read() if ours and stat.S_ISREG(status.st_mode) else b""


def _forget_oldest(folder: Path, pattern: str, kept: int) -> None:
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[kept:]:
        path.unlink()
