"""Opening a saved trace of any format as a source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sysdig_py.capture.replay import Replay
from sysdig_py.capture.replay_scap import ScapReplay
from sysdig_py.trace.detect import open_trace
from sysdig_py.trace.scap.reader import ScapReader


def open_replay(path: str | Path, on_warning: Callable[[str], None] | None = None) -> Replay | ScapReplay:
    """Open a trace; "-" is standard input.

    Args:
        path: the file.
        on_warning: called with every line about damage.

    Raises:
        TraceError: not a trace that can be read.
    """
    reader = open_trace(path)
    if isinstance(reader, ScapReader):
        return ScapReplay(reader, on_warning)
    return Replay(reader, on_warning)
