"""Filters as Lua source; those that were compiled before come out of the cache, since the compiler takes long to load.

What is kept holds for the very files that the compiler is made of: path, size, time.
"""

from __future__ import annotations

import functools
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sysdig_py import cachefile

_KEPT: Final = 128
_PACKAGE: Final = Path(__file__).parent.parent
# what the source of a filter depends on: the compiler, and the tables of fields and events
_PARTS: Final = ("filter", "schema")


def lua_source(text: str) -> str:
    """Return the Lua source of a filter.

    Raises:
        FilterError: the text does not parse or does not make sense; has the position.
    """
    name, key = _place(text)
    known = cachefile.read(name, key)
    if known is not None:
        return known.decode("utf-8", "surrogateescape")
    from sysdig_py import filter as event_filter

    source = event_filter.compile(text).lua_source
    cachefile.write(name, key, source.encode("utf-8", "surrogateescape"), pattern="filter-*.lua", kept=_KEPT)
    return source


def _place(text: str) -> tuple[str, str]:
    key = f"{_compiler()} {text!a}"
    return f"filter-{zlib.crc32(key.encode()):08x}.lua", key


@functools.cache
def _compiler() -> str:
    return ascii([fact for part in _PARTS for fact in sorted(_files(f"{_PACKAGE}/{part}"))])


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of every file in a folder and those in it, but not of what Python keeps for itself."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path) if entry.name != "__pycache__" else ()
            else:
                status = entry.stat()
                yield entry.path, status.st_size, status.st_mtime_ns
