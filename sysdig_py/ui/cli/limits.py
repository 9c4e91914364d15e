"""Bounds for untrusted chisels: one that takes all memory there is, or nests without end, fails alone."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# what the engine and its tables can count on, however small the machine is; and enough for every honest chisel
LEAST: Final = 1 << 30
MOST: Final = 4 << 30
_KIB: Final = 1024


# Of the C stack LuaJIT takes some MB at the most before a script that calls through C (sort, format) overflows its own
# stack, once more in every coroutine it nests. Below the stack of a process the kernel keeps 128 MiB free.
STACK: Final = 120 << 20


def roomy_stack() -> None:
    """Let the stack of the main thread grow as far as it can, from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if soft != resource.RLIM_INFINITY and soft < STACK:
        resource.setrlimit(resource.RLIMIT_STACK, (STACK if hard == resource.RLIM_INFINITY else min(STACK, hard), hard))


@contextmanager
def bounded_memory() -> Iterator[None]:
    """While the context lasts, let the process take at most half of the memory that is free now, and 4 GiB.

    LuaJIT then says "not enough memory" to whoever asks for more, before the machine is in trouble.
    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _kib("/proc/self/status", "VmData") + max(LEAST, min(_kib("/proc/meminfo", "MemAvailable") // 2, MOST))
    for bound in before:
        if bound != resource.RLIM_INFINITY:
            limit = min(limit, bound)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _kib(path: str, key: str) -> int:
    """Return a number of bytes from one of the kernel's `Key: N kB` files; 0 when it has no such line."""
    with open(path, encoding="ascii") as lines:  # noqa: PTH123 - no Path is needed for a file of the kernel
        for line in lines:
            name, _, value = line.partition(":")
            if name == key:
                return int(value.split()[0]) * _KIB
    return 0
