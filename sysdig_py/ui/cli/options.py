"""The command line as data: sysdig's options, parsed the way GNU getopt does.

Short options may be glued to their value (`-pc`, `-n5`) and to each other (`-qv`), options and
filter words may be mixed, `--` ends the options. What `-c NAME` takes from the next word is the
chisel's own business, so the parser asks the registry through `ChiselWords`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sysdig_py.errors import UsageError

# (chisel name, words that follow it) -> whether the first of them is the chisel's argument string
ChiselWords = Callable[[str, Sequence[str]], bool]

# -pc and the like: what -p takes instead of a format -> whose names the lines and the chisels show
NAMED_FORMATS: Final = {
    "c": "container",
    "container": "container",
    "k": "kubernetes",
    "kubernetes": "kubernetes",
    "m": "mesos",
    "mesos": "mesos",
}
BUFFER_FORMATS: Final = {"x": "hex", "X": "hexascii", "A": "ascii", "b": "base64"}


class Option(NamedTuple):
    """One option: how it is written, whether it takes a value, and what it does."""

    letter: str
    long: str
    value: str
    meaning: str


OPTIONS: Final[tuple[Option, ...]] = (
    Option("r", "read", "FILE", "read a trace instead of this machine; may be given several times"),
    Option("w", "write", "FILE", "write the accepted events to a trace ('-' is standard output); NAME.scap for sysdig"),
    Option("n", "numevents", "N", "stop after N events"),
    Option("M", "", "SECONDS", "stop after this many seconds of event time"),
    Option("", "since", "TIME", "of a trace, events from 12:30, '2026-01-31 12:30', 10s after its start, -30s on"),
    Option("", "until", "TIME", "of a trace, events before then"),
    Option("s", "snaplen", "N", "keep the first N bytes of each I/O buffer (default 80)"),
    Option("c", "chisel", "NAME [ARGS]", "run a chisel; may be given several times"),
    Option("z", "compress", "", "compress the .scap that -w writes with gzip; a native trace always is compressed"),
    Option("F", "fatfile", "", "accepted: what -w writes holds the state behind its events already"),
    Option("C", "file-size", "MB", "-w: begin a new file when one has this many million bytes"),
    Option("G", "seconds", "SECONDS", "-w: begin a new file after so much event time; NAME may be a time pattern"),
    Option("e", "event-limit", "N", "-w: begin a new file every N events"),
    Option("W", "limit", "N", "with -C, -G or -e: keep N files, the oldest make room"),
    Option("", "redact", "CLASSES", "-w: hash these secrets before they are written: payload,args,env,paths"),
    Option("", "last", "TIME", "-w: keep the last 60s, 5m, ... in memory; SIGUSR2 or Enter writes them to a file"),
    Option("", "dump-when", "FILTER", "with --last: an event that passes this filter writes them, too"),
    Option(
        "p", "print", "FORMAT", "format of the event lines; -pc, -pk, -pm name the container, pod, task; -pp shows it"
    ),
    Option("t", "timetype", "a|h|r|d|D", "time as epoch, hour, since start, in the call, since the last line"),
    Option("x", "print-hex", "", "show I/O buffers as hex"),
    Option("X", "print-hex-ascii", "", "show I/O buffers as hex and text"),
    Option("A", "print-ascii", "", "show only the text of I/O buffers"),
    Option("b", "print-base64", "", "show I/O buffers as base64"),
    Option("j", "json", "", "one JSON object per line"),
    Option("q", "quiet", "", "print no event lines"),
    Option("S", "summary", "", "count the events by name, and show the table at the end"),
    Option("d", "displayflt", "", "let the filter decide only what is printed, not what is written or counted"),
    Option("R", "resolve-ports", "", "show names of services instead of port numbers"),
    Option("", "no-latency", "", "do not measure the time inside calls: live capture costs the traced less"),
    Option("", "ring-size", "SIZE", "size of each ring between kernel and program, as 64M (default: by memory, cores)"),
    Option("", "rings", "N", "number of rings (default: one for every four processors)"),
    Option("", "max-overhead", "PCT", "record less and less while tracing takes more of the machine's processor time"),
    Option("", "snaplen-rule", "FILTER=N", "keep N bytes where the filter holds; the first rule that does counts"),
    Option("", "no-pushdown", "", "let the kernel send every event, whatever the filters say"),
    Option(
        "", "explain", "", "show what of the filters the kernel judges and what becomes of each event; capture nothing"
    ),
    Option("", "events", "LIST", "capture these too, which cost more: switch, page_fault, procinfo"),
    Option("", "page-faults", "", "the same as --events page_fault"),
    Option("E", "exclude-users", "", "leave the names of users and groups out"),
    Option("U", "suppress-comm", "COMM", "leave out the processes of this name; may be given several times"),
    Option("D", "debug", "", "show internal events, and what chisels log, too"),
    Option("P", "progress", "", "show on a terminal how much of the file was read"),
    Option("", "unbuffered", "", "flush after every batch of lines even into a file"),
    Option("l", "list", "", "list the fields of filters and formats (-v: with types)"),
    Option("L", "list-events", "", "list the events and their parameters"),
    Option("", "list-markdown", "", "list the fields in markdown"),
    Option("", "list-chisels", "", "list the chisels (also -cl)"),
    Option("i", "chisel-info", "NAME", "describe one chisel and its arguments"),
    Option("", "allow-io", "", "let chisels open files and run commands"),
    Option("v", "verbose", "", "show buffers whole; report counts at the end"),
    Option("h", "help", "", "show this help"),
    Option("", "version", "", "show the version"),
)

USAGE: Final = (
    "usage: sysdig-py [options] [filter]\n"
    "       sysdig-py doctor\n"
    "       sysdig-py chisel new NAME\n"
    "       sysdig-py chisel test FILE --trace TRACE [ARGUMENTS]\n"
    "       sysdig-py export --parquet OUT [--fields a,b,c] [-r TRACE] [filter]\n"
    "       sysdig-py export --pcapng OUT [-r TRACE] [filter]\n"
    "       sysdig-py convert [options] IN OUT [filter]\n"
    "       sysdig-py info [-j] FILE [filter]\n"
    "       sysdig-py sql 'SELECT ...' [-r TRACE] [--csv] [filter]"
)


class ChiselRequest(NamedTuple):
    """One `-c`: the chisel's name and the argument string that followed it, if any."""

    name: str
    arguments: str | None


class Options(NamedTuple):
    """What the command line asks for."""

    read: tuple[str, ...] = ()
    write: str | None = None
    compress: bool = False
    file_size: int = 0
    file_seconds: float = 0.0
    file_events: int = 0
    file_count: int = 0
    last: float = 0.0
    redact: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    dump_when: str = ""
    max_events: int = 0
    max_seconds: float = 0.0
    snaplen: int | None = None
    chisels: tuple[ChiselRequest, ...] = ()
    format: str | None = None
    data: str = ""  # whose names are shown: "container", "kubernetes", "mesos"
    time_style: str = "h"
    buffer_format: str = "normal"
    json: bool = False
    quiet: bool = False
    summary: bool = False
    display_only: bool = False
    service_names: bool = False
    user_names: bool = True
    latency: bool = True
    ring_bytes: int | None = None
    rings: int | None = None
    max_overhead: float = 0.0
    snaplen_rules: tuple[str, ...] = ()
    pushdown: bool = True
    explain: bool = False
    events: frozenset[str] = frozenset()  # captured only when asked for
    suppressed: tuple[str, ...] = ()
    debug: bool = False
    progress: bool = False
    unbuffered: bool = False
    allow_io: bool = False
    verbose: bool = False
    listing: str = ""  # "fields", "markdown", "events", "chisels", "help", "version", "chisel:NAME" or "format:DATA"
    words: tuple[str, ...] = ()

    @property
    def filter_text(self) -> str:
        """The filter: all words that are neither options nor their values."""
        return " ".join(self.words)


def parse(argv: Sequence[str], chisel_words: ChiselWords) -> Options:
    """Parse the words after the program name.

    Raises:
        UsageError: an unknown option, a missing or malformed value.
    """
    options, words, rest = Options(), [], list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += rest
            break
        if word.startswith("--"):
            options = _long(word[2:], rest, options, chisel_words)
        elif word.startswith("-") and len(word) > 1:
            options = _short(word[1:], rest, options, chisel_words)
        else:
            words.append(word)
    return options._replace(words=tuple(words))


def help_text() -> str:
    """Return the text of `-h`."""
    lines = [USAGE, "", "The filter is all words that are not options: sysdig-py proc.name=nginx and fd.port=80", ""]
    for option in OPTIONS:
        names = ", ".join(
            n for n in (f"-{option.letter}" * bool(option.letter), f"--{option.long}" * bool(option.long)) if n
        )
        lines.append(f"  {names + ' ' + option.value:<30} {option.meaning}")
    return "\n".join(lines) + "\n"


def _long(text: str, rest: list[str], options: Options, chisel_words: ChiselWords) -> Options:
    name, has_value, value = text.partition("=")
    option = next((o for o in OPTIONS if o.long and o.long == name), None)
    if option is None:
        import difflib

        near = difflib.get_close_matches(name, [o.long for o in OPTIONS if o.long], 1)
        hint = f"; did you mean --{near[0]}?" if near else "; sysdig-py -h lists them"
        raise UsageError(f"unknown option --{name}{hint}")
    if not option.value:
        if has_value:
            raise UsageError(f"option --{name} takes no value")
        return _apply(option, "", rest, options, chisel_words)
    return _apply(option, value if has_value else _next(f"--{name}", option, rest), rest, options, chisel_words)


def _short(letters: str, rest: list[str], options: Options, chisel_words: ChiselWords) -> Options:
    while letters:
        letter, letters = letters[0], letters[1:]
        option = next((o for o in OPTIONS if o.letter == letter), None)
        if option is None:
            raise UsageError(f"unknown option -{letter}; sysdig-py -h lists them")
        if option.value:
            value = letters or _next(f"-{letter}", option, rest)
            return _apply(option, value, rest, options, chisel_words)
        options = _apply(option, "", rest, options, chisel_words)
    return options


def _next(written: str, option: Option, rest: list[str]) -> str:
    if not rest:
        raise UsageError(f"option {written} needs {option.value}")
    return rest.pop(0)


def _apply(option: Option, value: str, rest: list[str], options: Options, chisel_words: ChiselWords) -> Options:
    key = option.letter or option.long
    if key == "c":
        return _chisel(value, rest, options, chisel_words)
    if key in BUFFER_FORMATS:
        if options.buffer_format != "normal":
            raise UsageError("you cannot specify more than one output format")
        return options._replace(buffer_format=BUFFER_FORMATS[key])
    return options._replace(**_CHANGES[key](value, options))


def _chisel(name: str, rest: list[str], options: Options, chisel_words: ChiselWords) -> Options:
    if name == "l":
        return options._replace(listing="chisels")
    arguments = rest.pop(0) if chisel_words(name, rest) else None
    return options._replace(chisels=(*options.chisels, ChiselRequest(name, arguments)))


def _print_format(value: str, options: Options) -> dict[str, Any]:
    if value == "p":
        return {"listing": f"format:{options.data}"}
    if value in NAMED_FORMATS:
        return {"data": NAMED_FORMATS[value]}
    return {"format": value}


def _whole(letter: str, value: str, least: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if number < least:
        raise UsageError(f"option -{letter} takes a whole number of at least {least}, not '{value}'")
    return number


def _size(name: str, value: str) -> int:
    """Return a number of bytes written as 4096, 512K, 64M or 1G."""
    number, unit = (value[:-1], value[-1].upper()) if value[-1:].isalpha() else (value, "")
    shift = {"": 0, "K": 10, "M": 20, "G": 30}.get(unit, -1)
    if not (number.isascii() and number.isdigit()) or shift < 0:
        raise UsageError(f"option --{name} takes a size such as 64M, not '{value}'")
    return int(number) << shift


def _seconds(value: str, option: str = "-M", what: str = "a number of seconds") -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise UsageError(f"option {option} takes {what} above 0, not '{value}'")
    return number


def _percent(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number <= 100:
        raise UsageError(f"option --max-overhead takes a percentage above 0 and up to 100, not '{value}'")
    return number


def _given(name: str, value: str) -> str:
    if not value:
        raise UsageError(f"option --{name} needs TIME")
    return value


REDACTED: Final = ("payload", "args", "env", "paths")


def _classes(value: str, options: Options) -> tuple[str, ...]:
    names = [name.strip() for name in value.split(",") if name.strip()]
    unknown = [name for name in names if name not in REDACTED]
    if unknown or not names:
        raise UsageError(f"option --redact takes one or more of {','.join(REDACTED)}, not '{value}'")
    return tuple(dict.fromkeys((*options.redact, *names)))


def duration(option: str, value: str) -> float:
    """Return the seconds in `90`, `90s`, `5m`, `2h` or `500ms`.

    Raises:
        UsageError: it is none of these.
    """
    number = value.rstrip("smh")
    unit = _UNITS.get(value[len(number) :])
    if unit is None:
        raise UsageError(f"option {option} takes a time like 60s, 5m, 2h or 500ms, not '{value}'")
    return _seconds(number, option, "a time like 60s, 5m, 2h or 500ms") * unit


_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "ms": 0.001}


def _extras(value: str) -> frozenset[str]:
    # replays do without what it loads
    from sysdig_py.capture.extras import parse as parse_events

    return parse_events(value)


def _time_style(value: str) -> str:
    if value not in ("a", "h", "r", "d", "D"):
        raise UsageError(f"option -t takes one of a h r d D, not '{value}'")
    return value


_CHANGES: Final[dict[str, Callable[[str, Options], dict[str, Any]]]] = {
    "r": lambda value, options: {"read": (*options.read, value)},
    "w": lambda value, _: {"write": value},
    "n": lambda value, _: {"max_events": _whole("n", value, 1)},
    "M": lambda value, _: {"max_seconds": _seconds(value)},
    "s": lambda value, _: {"snaplen": _whole("s", value, 0)},
    "p": _print_format,
    "t": lambda value, _: {"time_style": _time_style(value)},
    "j": lambda *_: {"json": True},
    "q": lambda *_: {"quiet": True},
    "z": lambda *_: {"compress": True},
    "F": lambda *_: {},
    "C": lambda value, _: {"file_size": int(_seconds(value, "-C", "a number of megabytes") * 1_000_000)},
    "G": lambda value, _: {"file_seconds": _seconds(value, "-G")},
    "e": lambda value, _: {"file_events": _whole("e", value, 1)},
    "W": lambda value, _: {"file_count": _whole("W", value, 1)},
    "since": lambda value, _: {"since": _given("since", value)},
    "until": lambda value, _: {"until": _given("until", value)},
    "redact": lambda value, options: {"redact": _classes(value, options)},
    "last": lambda value, _: {"last": duration("--last", value)},
    "dump-when": lambda value, _: {"dump_when": value},
    "S": lambda *_: {"summary": True},
    "d": lambda *_: {"display_only": True},
    "R": lambda *_: {"service_names": True},
    "no-latency": lambda *_: {"latency": False},
    "ring-size": lambda value, _: {"ring_bytes": _size("ring-size", value)},
    "rings": lambda value, _: {"rings": _whole("-rings", value, 1)},
    "max-overhead": lambda value, _: {"max_overhead": _percent(value)},
    "snaplen-rule": lambda value, options: {"snaplen_rules": (*options.snaplen_rules, value)},
    "no-pushdown": lambda *_: {"pushdown": False},
    "explain": lambda *_: {"explain": True},
    "events": lambda value, options: {"events": options.events | _extras(value)},
    "page-faults": lambda _, options: {"events": options.events | {"page_fault"}},
    "E": lambda *_: {"user_names": False},
    "U": lambda value, options: {"suppressed": (*options.suppressed, value)},
    "D": lambda *_: {"debug": True},
    "P": lambda *_: {"progress": True},
    "unbuffered": lambda *_: {"unbuffered": True},
    "l": lambda *_: {"listing": "fields"},
    "L": lambda *_: {"listing": "events"},
    "list-markdown": lambda *_: {"listing": "markdown"},
    "list-chisels": lambda *_: {"listing": "chisels"},
    "i": lambda value, _: {"listing": f"chisel:{value}"},
    "allow-io": lambda *_: {"allow_io": True},
    "v": lambda *_: {"verbose": True},
    "h": lambda *_: {"listing": "help"},
    "version": lambda *_: {"listing": "version"},
}
