"""Reading the helper modules that chisels ask for: files of the search path, nothing that only seems to be there."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 4 << 20


def read_module(folder: bytes, relative: bytes) -> tuple[bytes | None, bytes]:
    """Return the text of a module, or None and why it is not read; b"" when there is no such file.

    Args:
        folder: one of the folders in which modules are looked for.
        relative: the module's path in it.
    """
    path = Path(os.fsdecode(folder), os.fsdecode(relative))
    try:
        if not path.exists():
            return None, b""
        if not path.resolve().is_relative_to(path.parents[relative.count(b"/")].resolve()):
            return None, b"is a link to somewhere else: chisels read no files outside of their folders"
        return _text(path)
    except (OSError, ValueError, RuntimeError) as error:
        return None, f"cannot be read: {error}".encode(errors="replace")


def _text(path: Path) -> tuple[bytes | None, bytes]:
    # a device or a pipe may have no end, and is not opened for that
    if not stat.S_ISREG(path.stat().st_mode):
        return None, b"is no regular file"
    with path.open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        return None, f"is larger than {MAX_BYTES} bytes".encode()
    return text, b""
