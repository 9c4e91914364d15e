"""`sysdig-py`: from the words of the command line to a pipeline run and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NoReturn, TextIO

from sysdig_py.errors import ChiselError, FilterError, OutputError, SysdigPyError
from sysdig_py.output.text import text_file, writing
from sysdig_py.ui.cli import run
from sysdig_py.ui.cli.interrupt import stop_signals
from sysdig_py.ui.cli.limits import roomy_stack
from sysdig_py.ui.cli.options import Options, parse
from sysdig_py.ui.cli.standard_files import open_closed_files

BROKEN_PIPE: Final = 141  # what a shell reports for a process ended by SIGPIPE


# modules that not every run needs are imported where they are used: the first line comes that much earlier


def _doctor(_words: list[str], out: TextIO) -> int:
    from sysdig_py.ui.cli.doctor import run_doctor

    return run_doctor(out)


def _chisel(words: list[str], out: TextIO) -> int:
    from sysdig_py.ui.cli.chisel_command import run_chisel_command

    return run_chisel_command(words, out)


def _export(words: list[str], out: TextIO) -> int:
    from sysdig_py.ui.cli.export_command import run_export_command

    return run_export_command(words, out)


def _sql(words: list[str], out: TextIO) -> int:
    from sysdig_py.ui.cli.sql_command import run_sql_command

    return run_sql_command(words, out)


def _convert(words: list[str], out: TextIO) -> int:
    from sysdig_py.ui.cli.convert_command import run_convert_command

    return run_convert_command(words, out)


def _info(words: list[str], out: TextIO) -> int:
    from sysdig_py.ui.cli.info_command import run_info_command

    return run_info_command(words, out)


# first word -> what runs the words behind it, writes to the file given, and returns the exit code
COMMANDS: Final[dict[str, Callable[[list[str], TextIO], int]]] = {
    "doctor": _doctor,
    "chisel": _chisel,
    "export": _export,
    "convert": _convert,
    "info": _info,
    "sql": _sql,
}


def program() -> NoReturn:
    """Run the command line as a program of its own, and end with its exit code.

    After a run the process ends at once, everything being written and closed: the interpreter would take the engine's
    tables apart one by one. Commands may use libraries that have to tidy up.
    """
    words = sys.argv[1:]
    code = main(words)
    if words and words[0] in COMMANDS:
        sys.exit(code)
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    open_closed_files()
    try:
        code = _main(words)
        with writing():
            sys.stdout.flush()
    except OutputError as error:
        _give_up_output()
        _complain(error)
        return error.exit_code
    except SysdigPyError as error:
        _flush_or_give_up()
        _complain(error)
        return error.exit_code
    except BrokenPipeError:
        _give_up_output()
        return BROKEN_PIPE
    return code


def _give_up_output() -> None:
    # Python must not try at exit to flush what nobody takes
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flush_or_give_up() -> None:
    """Have what was printed come before the error; when both fail, the error is what counts."""
    try:
        sys.stdout.flush()
    except OSError:
        _give_up_output()


def _main(words: list[str]) -> int:
    roomy_stack()
    command = COMMANDS.get(words[0]) if words else None
    if command is not None:
        return _print(lambda out: command(words[1:], out))
    options = parse(words, _chisel_wants_word)
    if options.listing:
        return _print(lambda out: _list(options, out))
    with stop_signals() as stop:
        outcome = run.run(options, lambda: bool(stop))
        if outcome.run_app is not None and not stop:
            from sysdig_py.ui.cli.again import options_again

            again = options_again(outcome.run_app, options, _chisel_wants_word)
            outcome.failures += run.run(again, lambda: bool(stop)).failures
    for failure in outcome.failures:
        _complain(ChiselError(failure))
    return ChiselError.exit_code if outcome.failures else 0


def _print(command: Callable[[TextIO], int]) -> int:
    """Run what prints to standard output by itself; return its exit code."""
    with text_file(sys.stdout.buffer, encoding=sys.stdout.encoding, line_buffering=sys.stdout.isatty()) as out:
        return command(out)


def _chisel_wants_word(name: str, rest: Sequence[str]) -> bool:
    from sysdig_py.ui.cli.listing import chisel_wants_word

    return chisel_wants_word(name, rest)


def _list(options: Options, out: TextIO) -> int:
    out.write(_listing(options))
    return 0


def _listing(options: Options) -> str:
    from sysdig_py.ui.cli import listing
    from sysdig_py.ui.cli.formats import default_format
    from sysdig_py.ui.cli.options import help_text

    kind, _, name = options.listing.partition(":")
    texts: dict[str, Callable[[], str]] = {
        "help": help_text,
        "version": lambda: f"sysdig-py version {run.version()}\n",
        "fields": lambda: listing.field_list(verbose=options.verbose),
        "markdown": listing.field_markdown,
        "events": listing.event_list,
        "chisels": listing.chisel_list,
        "chisel": lambda: listing.chisel_info(name),
        "format": lambda: default_format(name, is_terminal=sys.stdout.isatty()) + "\n",
    }
    return texts[kind]()


def _complain(error: SysdigPyError) -> None:
    lines = [f"sysdig-py: {error}"]
    if isinstance(error, FilterError) and error.text:
        lines += [f"  {error.text}", f"  {' ' * error.position}^"]
    print("\n".join(lines), file=sys.stderr)
