"""Compiled probes kept on disk, so that only the first start needs a compiler.

What is found is loaded into the kernel, so it is believed only when it is a regular file of our own
that nobody else can write, and when it is whole; anything else is no find, and gets written anew.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from sysdig_py import locations
from sysdig_py.capture.image import Image

_MAGIC: Final = b"sysdig-py probe 1\n"
_DIGEST: Final = hashlib.sha256().digest_size
_KEPT: Final = 16


def find(key: str) -> Image | None:
    """Return the image kept under `key`; None when there is none that can be trusted."""
    raw = _read(_path(key))
    body = raw[len(_MAGIC) + _DIGEST :]
    if raw[: len(_MAGIC)] != _MAGIC or raw[len(_MAGIC) :][:_DIGEST] != _seal(key, body):
        return None
    return Image.unpack(body)


def keep(key: str, image: Image) -> None:
    """Write an image; a cache that cannot be written costs time at the next start, nothing else."""
    body = image.pack()
    with suppress(OSError):
        path = _path(key)
        fd, name = tempfile.mkstemp(prefix="probe-", suffix=".new", dir=path.parent)  # 0600
        aside = Path(name)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(_MAGIC + _seal(key, body) + body)
            aside.replace(path)
        except OSError:
            aside.unlink()
            raise
        _forget_oldest(path.parent)


def drop(key: str) -> None:
    """Remove an image that turned out to be of no use."""
    with suppress(OSError):
        _path(key).unlink()


def _path(key: str) -> Path:
    return locations.cache() / f"probe-{key}.image"


def _seal(key: str, body: bytes) -> bytes:
    """Return the digest that binds the body to its key: a file under another name is not valid."""
    return hashlib.sha256(key.encode() + b"\0" + body).digest()


def _read(path: Path) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        ours = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        return file.read() if ours and stat.S_ISREG(status.st_mode) else b""


def _forget_oldest(folder: Path) -> None:
    found = sorted(folder.glob("probe-*.image"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[_KEPT:]:
        path.unlink()
