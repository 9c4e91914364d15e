"""The file that -w writes: its format, by its name, and what its header says."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sysdig_py.errors import UsageError
from sysdig_py.trace.format import make_header
from sysdig_py.trace.series import FileLimits, FileNames, FileSeries, LastSeconds, RotatedFiles
from sysdig_py.ui.cli.options import Options

if TYPE_CHECKING:
    from sysdig_py.capture.live import LiveCapture
    from sysdig_py.capture.replay import Replay
    from sysdig_py.capture.replay_scap import ScapReplay
    from sysdig_py.trace.background import BackgroundWriter

    _Source = LiveCapture | Replay | ScapReplay

# what was captured before a signal takes so long to come through the ring, under load
_SETTLE_SECONDS: Final = 0.3
_SCAP: Final = (".scap", ".scap.gz")


def open_writer(path: str, source: _Source, options: Options, like: str = "") -> BackgroundWriter:
    """Return the writer of the format that the name (or that of `like`, which was given) asks for.

    Raises:
        TraceError: the file cannot be written.
    """
    given = like or path
    if given.endswith(_SCAP):
        from sysdig_py.engine.encoder import EventEncoder
        from sysdig_py.trace.scap.writer import QUICK, SMALL, ScapWriter

        compressed = options.compress or given.endswith(".gz")
        level = (QUICK if source.is_live else SMALL) if compressed else 0
        return ScapWriter(path, source.machine, EventEncoder(source.dialect), level=level)
    from sysdig_py.engine.block_codec import BlockCodec
    from sysdig_py.engine.state_keeper import StateKeeper
    from sysdig_py.trace.checkpoints import CheckpointWriter
    from sysdig_py.trace.writer import NativeWriter

    # streams with enter events keep more than state records can tell
    checkpoints = None if source.dialect else CheckpointWriter(StateKeeper(source.machine))
    return NativeWriter(path, _header(source, options), pack=BlockCodec().pack, checkpoints=checkpoints)


def open_series(path: str, source: _Source, options: Options) -> FileSeries | None:
    """Return what writes several files, None when the options ask for one.

    Raises:
        UsageError: the options contradict each other.
    """
    limits = FileLimits(options.file_size, options.file_seconds, options.file_events, options.file_count)
    _check(path, limits, options)
    if not options.last and limits == FileLimits():
        return None

    def open_file(name: str) -> BackgroundWriter:
        return open_writer(name, source, options, like=path)

    names, first = FileNames(path, limits), path.endswith(_SCAP)
    if not options.last:
        return RotatedFiles(open_file, names, source.stats, limits, needs_users_first=first)
    settle = _SETTLE_SECONDS if source.is_live else 0.0
    return LastSeconds(
        open_file, names, source.stats, options.last, needs_users_first=first, on_file=_told, settle=settle
    )


def _told(name: str, seconds: float) -> None:
    print(f"sysdig-py: the last {seconds:.1f} seconds are in {name}", file=sys.stderr)


def _check(path: str, limits: FileLimits, options: Options) -> None:
    cuts = [name for name, value in (("-C", limits.size), ("-G", limits.seconds), ("-e", limits.events)) if value]
    if limits.files and not cuts:
        raise UsageError("-W needs -C, -G or -e: it limits the files that these make")
    if options.dump_when and not options.last:
        raise UsageError("--dump-when needs --last: it says when the last seconds are written")
    if options.last and cuts:
        raise UsageError(f"--last and {cuts[0]} contradict each other: choose one")
    if path == "-" and (cuts or options.last):
        raise UsageError("several files cannot go to standard output; give -w a name")


@contextmanager
def dumps_on_request(series: FileSeries | None) -> Iterator[None]:
    """While the context lasts, have SIGUSR2, and Enter on a terminal, write what a `LastSeconds` keeps."""
    if not isinstance(series, LastSeconds):
        yield
        return
    before = signal.signal(signal.SIGUSR2, lambda *_: series.want())
    thread = threading.Thread(target=_listen, args=(series,), name="enter", daemon=True)
    if sys.stdin is not None and sys.stdin.isatty():
        thread.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR2, before)


def _listen(series: LastSeconds) -> None:
    while sys.stdin.readline():
        series.want()


def _header(source: _Source, options: Options) -> dict[str, Any]:
    """Return the header of the trace to write; a trace made from a trace keeps when and how it was captured."""
    from sysdig_py.capture.live import LiveCapture
    from sysdig_py.ui.cli.run import version

    if isinstance(source, LiveCapture):
        start_ts, snaplen = time.time_ns(), source.options.data_bytes
    else:
        start_ts, snaplen = source.header["start_ts"], source.header["snaplen"]
    header = make_header(source.machine, start_ts, snaplen, options.filter_text, f"sysdig-py {version()}")
    header |= {"redacted": list(options.redact)} if options.redact else {}
    return header | ({"dialect": source.dialect} if source.dialect else {})
