"""Opening a saved trace of any format as a source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sysdig_py.trace.detect import open_trace
from sysdig_py.trace.scap.reader import ScapReader

if TYPE_CHECKING:
    from sysdig_py.capture.replay import Replay
    from sysdig_py.capture.replay_scap import ScapReplay


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
        from sysdig_py.capture.replay_scap import ScapReplay

        return ScapReplay(reader, on_warning)
    # the native format needs packages that take their time to load
    from sysdig_py.capture.replay import Replay

    return Replay(reader, on_warning)
