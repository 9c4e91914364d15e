"""`--since` and `--until`: which stretch of a trace is meant, as a filter and as the time at which reading can end."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from sysdig_py.errors import UsageError
from sysdig_py.ui.cli.options import Options, duration

if TYPE_CHECKING:
    from sysdig_py.capture.live import LiveCapture
    from sysdig_py.capture.replay import Replay
    from sysdig_py.capture.replay_scap import ScapReplay

_FORMATS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_CLOCKS: Final = ("%H:%M:%S", "%H:%M")
_UNITS: Final = "smh"
_LEAST_EPOCH: Final = 10**8


class Window(NamedTuple):
    """A stretch of time.

    Attributes:
        filter_text: what its events pass, "" for all.
        since_ns: no event comes before this time, ns since the epoch; 0 when that is not known.
        since_rel: the same, ns since the first event.
        until_ns: no event comes after this time, ns since the epoch; 0 when that is not known.
        until_rel: the same, ns since the first event.
    """

    filter_text: str = ""
    since_ns: int = 0
    since_rel: int = 0
    until_ns: int = 0
    until_rel: int = 0


class _Bound(NamedTuple):
    """One end of a stretch: ns since the epoch, or since the first event."""

    ns: int
    is_relative: bool

    def test(self, comparison: str) -> str:
        return f"evt.{'reltime' if self.is_relative else 'rawtime'}{comparison}{self.ns}"


def window(options: Options, source: LiveCapture | Replay | ScapReplay | None) -> Window:
    """Return the stretch that the options mean of `source` (None: this machine now).

    Raises:
        UsageError: a time that cannot be understood, or of a source that has none.
        TraceError: a time before the end of a trace whose end is not known.
    """
    if not options.since and not options.until:
        return Window()
    if source is None or len(options.read) != 1:
        raise UsageError("--since and --until choose a stretch of one trace; name it with -r")
    since = _bound("--since", options.since, source) if options.since else None
    until = _bound("--until", options.until, source) if options.until else None
    tests = ([since.test(">=")] if since else []) + ([until.test("<")] if until else [])
    return Window(" and ".join(tests), *_parts(since), *_parts(until))


def _parts(bound: _Bound | None) -> tuple[int, int]:
    """Return the time since the epoch, and since the first event; one of them is 0."""
    if bound is None:
        return 0, 0
    return (0, bound.ns) if bound.is_relative else (bound.ns, 0)


def _bound(option: str, text: str, source: LiveCapture | Replay | ScapReplay) -> _Bound:
    if text.startswith("-"):
        return _Bound(_end_of(option, source) - round(duration(option, text[1:]) * 1e9), is_relative=False)
    if text[-1] in _UNITS:
        return _Bound(round(duration(option, text) * 1e9), is_relative=True)
    return _Bound(_absolute(option, text, source), is_relative=False)


def _end_of(option: str, source: LiveCapture | Replay | ScapReplay) -> int:
    from sysdig_py.capture.replay import Replay

    if not isinstance(source, Replay):
        raise UsageError(f"{option}: only a native trace tells where its end is; give a time, or one like 10s")
    return source.last_ts()


def _absolute(option: str, text: str, source: LiveCapture | Replay | ScapReplay) -> int:
    whole, dot, fraction = text.partition(".")
    if not (fraction.isdigit() if dot else True):
        raise _unclear(option, text)
    fraction_ns = int((fraction or "0").ljust(9, "0")[:9])
    if whole.isdigit() and int(whole) >= _LEAST_EPOCH:
        return int(whole) * 10**9 + fraction_ns
    for form in _FORMATS:
        moment = _parsed(whole, form)
        if moment is not None:
            return int(moment.timestamp()) * 10**9 + fraction_ns
    return _clock(option, text, whole, source) + fraction_ns


def _clock(option: str, text: str, whole: str, source: LiveCapture | Replay | ScapReplay) -> int:
    """Return the time of day on the day on which the trace began."""
    clock = next((parsed for form in _CLOCKS if (parsed := _parsed(whole, form)) is not None), None)
    if clock is None:
        raise _unclear(option, text)
    start = getattr(source, "header", {}).get("start_ts", 0)
    if not start:
        raise UsageError(f"{option} {text}: the trace does not tell its day; give the date, too")
    day = datetime.fromtimestamp(start / 1e9)  # times of day are local, as in the event lines
    return int(datetime.combine(day.date(), clock.time()).timestamp()) * 10**9


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # local, as in the event lines
    except ValueError:
        return None


def _unclear(option: str, text: str) -> UsageError:
    return UsageError(f"{option} takes 12:30:05, '2026-01-31 12:30', seconds since 1970, 10s or -30s, not '{text}'")
