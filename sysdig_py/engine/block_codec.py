"""Blocks of records by columns (`trace.columns`), in a Lua runtime of its own, for the threads that read and write."""

from __future__ import annotations

import ctypes
from typing import Any

from sysdig_py.engine.vm import Runtime
from sysdig_py.trace.format import FormatError


class BlockCodec:
    """What `trace.columns` does, fast; for one thread. The runtime is made when it is first needed."""

    def __init__(self) -> None:
        """Nothing is loaded yet."""
        self._runtime: Runtime | None = None
        self._lua: Any = None

    def _load(self) -> Any:
        if self._lua is None:
            self._runtime = Runtime()
            self._lua = self._runtime.require("block_columns")
        return self._lua

    def pack(self, records: bytes, count: int) -> bytes | None:
        """Return `count` records by columns; None when that is not what the bytes are."""
        address = self._load()[b"pack"](_address(records), len(records), count)
        return None if address is None else ctypes.string_at(int(address), len(records))

    def unpack(self, data: bytes, count: int, target: memoryview) -> None:
        """Write the `count` records of a block by columns to `target`, which has the size of `data`.

        Raises:
            FormatError: the bytes are not that.
        """
        into = ctypes.addressof(ctypes.c_char.from_buffer(target)) if data else 0
        if not self._load()[b"unpack"](_address(data), len(data), count, into):
            raise FormatError(f"{len(data)} bytes that are not {count} records by columns")


def _address(data: bytes) -> int:
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
