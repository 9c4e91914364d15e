"""The file that -w writes: its format, by its name, and what its header says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from sysdig_py.trace.format import make_header
from sysdig_py.ui.cli.options import Options

if TYPE_CHECKING:
    from sysdig_py.capture.live import LiveCapture
    from sysdig_py.capture.replay import Replay
    from sysdig_py.capture.replay_scap import ScapReplay
    from sysdig_py.trace.background import BackgroundWriter

_SCAP: Final = (".scap", ".scap.gz")


def open_writer(path: str, source: LiveCapture | Replay | ScapReplay, options: Options) -> BackgroundWriter:
    """Return the writer of the format that the name asks for.

    Raises:
        TraceError: the file cannot be written.
    """
    if path.endswith(_SCAP):
        from sysdig_py.engine.encoder import EventEncoder
        from sysdig_py.trace.scap.writer import ScapWriter

        compressed = options.compress or path.endswith(".gz")
        return ScapWriter(path, source.machine, EventEncoder(source.dialect), compressed=compressed)
    from sysdig_py.trace.writer import NativeWriter

    return NativeWriter(path, _header(source, options))


def _header(source: LiveCapture | Replay | ScapReplay, options: Options) -> dict[str, Any]:
    """Return the header of the trace to write; a trace made from a trace keeps when and how it was captured."""
    from sysdig_py.capture.live import LiveCapture
    from sysdig_py.ui.cli.run import version

    if isinstance(source, LiveCapture):
        start_ts, snaplen = time.time_ns(), source.options.data_bytes
    else:
        start_ts, snaplen = source.header["start_ts"], source.header["snaplen"]
    header = make_header(source.machine, start_ts, snaplen, options.filter_text, f"sysdig-py {version()}")
    return header | ({"dialect": source.dialect} if source.dialect else {})
