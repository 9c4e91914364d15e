"""Memory that goes from hand to hand: freed, it stays with this process."""

from __future__ import annotations

import ctypes
from typing import Final

# glibc's parameters and the largest value that the second one takes (mallopt(3))
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGEST_MAPPED: Final = 32 << 20
_KEPT: Final = 64 << 20


def keep_freed() -> None:
    """Have the C library keep freed memory for the next who asks; nothing where it is not glibc.

    Spans of records are a megabyte or two, made, joined, sorted and compressed some ten times a second. Given back to
    the kernel each time, they cost a page fault per 4 KiB.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MAPPED)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
