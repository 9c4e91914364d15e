"""Old traces: one function per step from a format version to the next, applied one after the other.

A step takes the header of version N and returns the header of version N+1 and, when the record
layout changed, a function that rewrites the records of one block. `CONVERTERS[N]` is the step
N -> N+1; every version ever released keeps its step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from sysdig_py.schema.record import RECORD_VERSION
from sysdig_py.trace.format import FORMAT_VERSION, FormatError, unsigned

Header = dict[str, Any]
RecordsConverter = Callable[[bytes], bytes]
Converter = Callable[[Header], tuple[Header, RecordsConverter | None]]


def _from_1(header: Header) -> tuple[Header, None]:
    """2: a block may have its records sorted by columns, and says so; those of 1 never have."""
    return {**header, "format": 2}, None


CONVERTERS: Mapping[int, Converter] = {1: _from_1}


def upgrade(header: Header, current: int = FORMAT_VERSION) -> tuple[Header, RecordsConverter | None]:
    """Bring a header to the current version.

    Returns:
        The header, and what each block's records must go through (None: they are current).

    Raises:
        FormatError: the trace is newer than this reader, or its version never existed.
    """
    version, steps = unsigned(header, "format"), list[RecordsConverter]()
    if version > current:
        raise FormatError(f"format version {version} is newer than this sysdig-py reads ({current}); upgrade it")
    while version < current:
        if version not in CONVERTERS:
            raise FormatError(f"format version {version} is unknown")
        header, step = CONVERTERS[version](header)
        steps += [step] if step else []
        version += 1
    if unsigned(header, "record_version") != RECORD_VERSION:
        raise FormatError(f"record version {header['record_version']} is not the one of format version {version}")
    return header, _chain(steps)


def _chain(steps: list[RecordsConverter]) -> RecordsConverter | None:
    if not steps:
        return None
    return lambda records: reduce(lambda data, step: step(data), steps, records)
