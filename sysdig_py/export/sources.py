"""Where the events of the Python API come from: `open_trace` a saved trace, `live` this machine."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from sysdig_py.capture.live import LiveCapture, LiveOptions
from sysdig_py.capture.source import Source
from sysdig_py.capture.traces import open_replay
from sysdig_py.errors import UsageError
from sysdig_py.export.events import Events
from sysdig_py.export.passes import Request


class DamagedTrace(UserWarning):
    """A trace of which a part cannot be read; the rest is."""


def open_trace(path: str | Path) -> Events:
    """Return the events of a saved trace, native or .scap, plain or compressed.

    A damaged place is told by a `DamagedTrace` warning and counted in `Selection.stats`.

    Args:
        path: the file; it is looked at now, and read once per pass.

    Raises:
        TraceError: there is no such file, or it is not a trace.
    """
    open_replay(path).close()
    return Events(Request(lambda: open_replay(path, on_warning=_warn)))


def _warn(line: str) -> None:
    warnings.warn(line, DamagedTrace, stacklevel=2)


class Live(Events):
    """This machine's events; a context manager, at whose end every capture that still runs ends too."""

    def __init__(self, options: LiveOptions, max_events: int, max_seconds: float) -> None:
        """Use `live`."""
        self._options = options
        self._opened: list[Source] = []
        super().__init__(
            Request(self._open, max_events=max_events, max_seconds=max_seconds),
            is_endless=not max_events and not max_seconds,
        )

    def _open(self) -> Source:
        source = LiveCapture(self._options)
        self._opened.append(source)
        return source

    def __enter__(self) -> Live:
        """Return the events. Capturing begins when a selection is read."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Take the probes of all captures out of the kernel."""
        for source in self._opened:
            source.close()
        self._opened.clear()


def live(
    *, seconds: float = 0.0, events: int = 0, snaplen: int | None = None, latency: bool = True, user_names: bool = True
) -> Live:
    """Return this machine's events, to be used as a context manager; reading them needs root.

    Capturing begins with the first batch that is asked for. The process keeps its rights.

    Args:
        seconds: end after so many seconds, 0 for never.
        events: end after so many accepted events, 0 for never.
        snaplen: bytes of each I/O buffer that are kept, 80 if not given.
        latency: measure the time in calls; without, the traced programs are slowed down less.
        user_names: look up users and groups.

    Raises:
        UsageError: a number that makes no sense.
    """
    if not 0 <= seconds < float("inf") or events < 0:
        raise UsageError(f"a live capture ends after 0 or more seconds and events, not {seconds} and {events}")
    options = LiveOptions(
        snaplen=snaplen, drop_rights=False, max_seconds=seconds, latency=latency, user_names=user_names
    )
    return Live(options, events, seconds)
