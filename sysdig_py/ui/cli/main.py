"""`sysdig-py`: from the words of the command line to a pipeline run and an exit code."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from sysdig_py.errors import ChiselError, FilterError, SysdigPyError
from sysdig_py.ui.cli import listing, run
from sysdig_py.ui.cli.doctor import run_doctor
from sysdig_py.ui.cli.options import Options, help_text, parse

BROKEN_PIPE: Final = 141  # what a shell reports for a process ended by SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _main(words)
    except SysdigPyError as error:
        _complain(error)
        return error.exit_code
    except BrokenPipeError:
        # the reader of our output has gone; Python must not try to flush into it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _main(words: list[str]) -> int:
    if words[:1] == ["doctor"]:
        return run_doctor(sys.stdout)
    options = parse(words, listing.chisel_wants_word)
    if options.listing:
        sys.stdout.write(_listing(options))
        return 0
    with stop_signals() as stop:
        outcome = run.run(options, lambda: bool(stop))
        if outcome.run_app is not None and not stop:
            again = parse(shlex.split(outcome.run_app), listing.chisel_wants_word)
            outcome.failures += run.run(again, lambda: bool(stop)).failures
    for failure in outcome.failures:
        _complain(ChiselError(failure))
    return ChiselError.exit_code if outcome.failures else 0


def _listing(options: Options) -> str:
    kind, _, name = options.listing.partition(":")
    if kind == "help":
        return help_text()
    if kind == "version":
        return f"sysdig-py version {run.version()}\n"
    if kind == "fields":
        return listing.field_list(verbose=options.verbose)
    return listing.chisel_info(name) if kind == "chisel" else listing.chisel_list()


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Turn Ctrl-C and SIGTERM into an entry of the list; a second Ctrl-C ends the process at once."""
    received: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _complain(error: SysdigPyError) -> None:
    sys.stdout.flush()
    lines = [f"sysdig-py: {error}"]
    if isinstance(error, FilterError) and error.text:
        lines += [f"  {error.text}", f"  {' ' * error.position}^"]
    print("\n".join(lines), file=sys.stderr)
