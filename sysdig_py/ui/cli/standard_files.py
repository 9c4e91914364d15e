"""Standard input, output and error that the caller closed: nothing that is opened later may take their place."""

from __future__ import annotations

import os
import sys
from typing import Final

# the wrong way round: reading from or writing to a closed file fails, as it should; errors are told to nobody
_MODES: Final = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)


def open_closed_files() -> None:
    """Put something in the place of what is closed."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    for number, mode in enumerate(_MODES):
        if not _is_open(number):
            os.open(os.devnull, mode)  # the lowest number that is free
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
