"""Join the probe's files into the one text bcc compiles; pure text work.

bcc finds programs and rewrites maps only in the main text, so the files cannot include each
other. They are joined in a fixed order, lower levels first, with `#line` marks for the compiler's
messages. Decisions about the kernel come as defines, never as edits of the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ORDER: Final = (
    "schema.h",
    "base.c",
    "registers.c",
    "identity.c",
    "extract.c",
    "store.c",
    "slot.c",
    "judge.c",
    "overhead.c",
    "fixed.c",
    "compat.c",
    "touch.c",
    "path.c",
    "socket.c",
    "connected.c",
    "syscall.c",
    "params.c",
    "file.c",
    "vector.c",
    "transfer.c",
    "option.c",
    "rare.c",
    "process.c",
    "tell_thread.c",
    "tell_socket.c",
    "tell_file.c",
    "tell.c",
    "death.c",
    "sched.c",
    "fault.c",
    "signal.c",
    "suspend.c",
    "uring_request.c",
    "uring.c",
    "cgroup.c",
)
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_OWN: Final = re.compile(r"^struct (\w+) \{", re.MULTILINE)


def join(folder: Path) -> str:
    """Return the probe's text: every file of ORDER, each behind a `#line` mark."""
    return "".join(f'#line 1 "probe/{name}"\n{(folder / name).read_text()}\n' for name in ORDER)


def identifiers(source: str, defines: Mapping[str, str]) -> frozenset[str]:
    """Return every name the source and the defines may use; types among them must be declared.

    Structures of the probe's own are left out: a kernel may have another one of that name.
    """
    text = source[source.index('#line 1 "probe/base.c"') :] if '#line 1 "probe/base.c"' in source else source
    words = set(_WORD.findall(text)) - set(_OWN.findall(text))
    for name, value in defines.items():
        words.update((name, *_WORD.findall(value)))
    return frozenset(words)


def cflags(defines: Mapping[str, str]) -> list[str]:
    """Return compiler flags for the defines, and silence for what bcc's own headers provoke."""
    quiet = ["-Wno-unused-value", "-Wno-pointer-sign", "-Wno-compare-distinct-pointer-types", "-Wno-macro-redefined"]
    return [*quiet, *(f"-D{name}={value}" for name, value in sorted(defines.items()))]
