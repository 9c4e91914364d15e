"""What the subcommands have in common: options of their own next to those of sysdig, and where events come from."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from sysdig_py.capture.source import CaptureStats, Source
from sysdig_py.errors import UsageError
from sysdig_py.export.passes import Request
from sysdig_py.ui.cli import run
from sysdig_py.ui.cli.options import Options, parse

# of sysdig's options, those that say which events are meant
SOURCE_OPTIONS: Final = frozenset(
    {
        "read",
        "max_events",
        "max_seconds",
        "snaplen",
        "latency",
        "ring_bytes",
        "rings",
        "max_overhead",
        "events",
        "pushdown",
        "user_names",
        "suppressed",
        "verbose",
        "words",
    }
)


def take(words: Sequence[str], valued: Iterable[str], flags: Iterable[str] = ()) -> tuple[dict[str, str], list[str]]:
    """Take a subcommand's own options out of its words.

    Args:
        words: what follows the subcommand's name.
        valued: options that take a value, `--fields`; given as `--fields a,b` or `--fields=a,b`.
        flags: options without one.

    Returns:
        The options that were given with their values ("" for flags), and the words that are left.

    Raises:
        UsageError: a value is missing, or an option is given twice.
    """
    found: dict[str, str] = {}
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        name, has_value, value = word.partition("=")
        if word == "--":
            return found, [*rest, word, *left]
        if name in valued:
            _note(found, name, value if has_value else _next(name, left))
        elif word in flags:
            _note(found, word, "")
        else:
            rest.append(word)
    return found, rest


def _note(found: dict[str, str], name: str, value: str) -> None:
    if name in found:
        raise UsageError(f"option {name} is given twice")
    found[name] = value


def _next(name: str, left: list[str]) -> str:
    if not left:
        raise UsageError(f"option {name} needs a value")
    return left.pop(0)


def source_options(
    command: str, words: Sequence[str], own: Iterable[str], taken: Collection[str] = SOURCE_OPTIONS
) -> Options:
    """Parse the words that are left: sysdig's options about which events to read, and a filter.

    Args:
        command: the subcommand.
        words: what is left of its words.
        own: names of its own options, for those who mistype one.
        taken: names in `Options` of those that it takes.

    Raises:
        UsageError: an unknown option, or one that makes no sense for `command`.
    """
    for word in words[: list(words).index("--")] if "--" in words else words:
        near = difflib.get_close_matches(word.partition("=")[0], own, 1) if word.startswith("--") else []
        if near:
            raise UsageError(f"{command}: unknown option {word}; did you mean {near[0]}?")
    options = parse(words, lambda _name, _rest: False)
    for field, value, usual in zip(Options._fields, options, Options(), strict=True):
        if field not in taken and value != usual:
            name = field.replace("_", " ")
            known = "-r -n -M -s -E -U -v and how to capture"
            raise UsageError(f"{command} takes of sysdig's options only {known}, no {name}")
    if len(options.read) > 1:
        raise UsageError(f"{command} reads one trace; run it once per -r")
    return options


def request(options: Options) -> Request:
    """Return what the options ask to read."""
    return Request(
        open=lambda: _open(options),
        filter_text=_filter_text(options),
        max_events=options.max_events,
        max_seconds=options.max_seconds,
        pushdown=options.pushdown,
    )


def _filter_text(options: Options) -> str:
    parts = [f"({options.filter_text})"] if options.filter_text and options.suppressed else [options.filter_text]
    return " and ".join([part for part in parts if part] + [f'not proc.name="{name}"' for name in options.suppressed])


def _open(options: Options) -> Source:
    return run.open_trace(options.read[0]) if options.read else run.open_live(options)


def progress(options: Options) -> AbstractContextManager[Callable[[float], None]]:
    """Return the progress bar for reading a file, which shows on a terminal only."""
    if not options.read or options.read[0] == "-" or not sys.stderr.isatty():
        return nullcontext(lambda _percent: None)
    # rich takes its time to load
    from sysdig_py.ui.cli.progress import shown

    return shown(options.read[0])


def report(stats: CaptureStats | None, counts: Mapping[str, int]) -> None:
    """Tell on standard error what was made, and always what was lost."""
    parts = [f"{count} {name}" for name, count in counts.items()]
    if stats is not None:
        causes = "".join(f" ({cause}: {count})" for cause, count in stats.lost.items() if count)
        parts += [f"{stats.events} events read", f"{sum(stats.lost.values())} lost{causes}{stats.left_out()}"]
    print(", ".join(parts), file=sys.stderr)
