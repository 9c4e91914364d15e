"""Sockets and files of engines which may come and go at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path


def present(patterns: Iterable[str]) -> Iterator[Path]:
    """Yield the existing paths that match the absolute glob patterns, pattern by pattern, sorted."""
    for pattern in patterns:
        yield from sorted(Path("/").glob(pattern.lstrip("/")))
