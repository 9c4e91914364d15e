"""`sysdig-py convert [OPTIONS] IN OUT [FILTER]`: a trace into another file, of another format, filtered or cut."""

from __future__ import annotations

from typing import TextIO

from sysdig_py.errors import UsageError
from sysdig_py.ui.cli import run
from sysdig_py.ui.cli.interrupt import stop_signals
from sysdig_py.ui.cli.options import parse

USAGE = "use: sysdig-py convert [OPTIONS] IN OUT [FILTER]; OUT.scap is for sysdig, any other name is the native format"


def run_convert_command(words: list[str], _out: TextIO) -> int:
    """Run the words behind `sysdig-py convert` and return the exit code.

    Raises:
        UsageError: the words make no sense.
        TraceError: a file cannot be read or written.
    """
    options = parse(words, lambda _name, _rest: False)
    if len(options.words) < 2 or options.read or options.write is not None or options.chisels or options.listing:
        raise UsageError(USAGE)
    source, target, *filter_words = options.words
    options = options._replace(read=(source,), write=target, words=tuple(filter_words), progress=True)
    with stop_signals() as stop:
        run.run(options, lambda: bool(stop))
    return 0
