"""Which reader a file needs, judged by its first bytes."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from sysdig_py.errors import TraceError
from sysdig_py.trace.magic import MAGIC
from sysdig_py.trace.scap import layout
from sysdig_py.trace.scap.reader import ScapReader

if TYPE_CHECKING:
    from sysdig_py.trace.reader import NativeReader

_GZIP: Final = b"\x1f\x8b"
_SECTION: Final = b"\x0a\x0d\x0d\x0a"
_PCAP: Final = frozenset(struct.pack(order + "I", magic) for order in "<>" for magic in (0xA1B2C3D4, 0xA1B23C4D))
_PEEK: Final = 4096


def open_trace(path: str | Path) -> NativeReader | ScapReader:
    """Open a saved trace; "-" is standard input.

    Raises:
        TraceError: unreadable, or not a trace this tool reads; the message names the path and what the file is.
    """
    name = "standard input" if str(path) == "-" else str(path)
    file = _open(path, name)
    try:
        start = file.read(len(MAGIC))
        if start == MAGIC:
            # needs packages that take their time to load
            from sysdig_py.trace.reader import NativeReader

            return NativeReader(file, name, pushed_back=start)
        start += file.read(_PEEK)
        if layout.is_first(_gunzip_start(start) if start.startswith(_GZIP) else start):
            return ScapReader(file, name, pushed_back=start)
        raise TraceError(_refusal(name, start))
    except OSError as error:
        file.close()
        raise TraceError(f"{name}: read failed at byte 0: {error.strerror}") from error
    except TraceError:
        file.close()
        raise


def _open(path: str | Path, name: str) -> BinaryIO:
    try:
        return sys.stdin.buffer if str(path) == "-" else Path(path).open("rb")
    except OSError as error:
        raise TraceError(f"{name}: cannot open: {error.strerror}") from error


def _refusal(name: str, start: bytes) -> str:
    if not start:
        return f"{name}: the file is empty"
    if MAGIC.startswith(start):
        return f"{name}: a trace cut at byte {len(start)}, nothing can be read"
    kind = _foreign(start)
    if kind:
        return f"{name}: {kind} files are not supported yet"
    return f"{name}: not a trace: byte 0 starts with {start[:8].hex(' ')}, a native trace with {MAGIC.hex(' ')}"


def _foreign(start: bytes) -> str:
    """Name a known format that is not ours, or return ""."""
    if start.startswith(_GZIP):
        inner = _foreign(_gunzip_start(start))
        return f"gzip-compressed {inner}" if inner else "gzip-compressed"
    if start[:4] in _PCAP:
        return "pcap"
    if start.startswith(_SECTION):
        return "pcapng"
    return ""


def _gunzip_start(start: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(start, _PEEK)
    except zlib.error:
        return b""
