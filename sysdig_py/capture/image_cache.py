"""Compiled probes kept on disk, so that only the first start needs a compiler.

What is found is loaded into the kernel, so nothing is believed that somebody else can have written (`cachefile`);
anything else is no find, and gets written anew.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from sysdig_py import cachefile, locations
from sysdig_py.capture.image import Image

_KEPT: Final = 16


def find(key: str) -> Image | None:
    """Return the image kept under `key`; None when there is none that can be trusted."""
    body = cachefile.read(_name(key), key)
    return None if body is None else Image.unpack(body)


def keep(key: str, image: Image) -> None:
    """Write an image."""
    cachefile.write(_name(key), key, image.pack(), pattern="probe-*.image", kept=_KEPT)


def drop(key: str) -> None:
    """Remove an image that turned out to be of no use."""
    with suppress(OSError):
        (locations.cache() / _name(key)).unlink()


def _name(key: str) -> str:
    return f"probe-{key}.image"
