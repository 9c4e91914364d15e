"""How fast a large scap trace goes through, against sysdig on the same file in the same minutes."""

from __future__ import annotations

import gzip
import os
import shlex
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.harness import CommandFailed, interleave, medians, run, spread
from tests.bench.tool import PROGRAM
from tests.oracle.tools import ORACLE, no_oracle, no_traces, traces

# rendering takes sysdig long
LINE_EVENTS = 2_000_000
# everything else takes both of them well under 0.1 us an event, and neither the start of a program nor the time until
# its loops are compiled (0.1 s together) should be what is measured
EVENTS = 32_000_000
EVENT_BLOCKS = {0x204, 0x208, 0x216, 0x217, 0x221, 0x222}
_SECOND = 1_000_000_000

TWELVE_FIELDS = (
    "*%evt.num %evt.datetime %evt.cpu %container.name %proc.name %proc.pid %thread.tid %evt.dir %evt.type"
    " %fd.num %fd.name %evt.args"
)
# name -> (words, times sysdig's rate that are the goal)
RATES: dict[str, tuple[list[str], float]] = {
    "lines of all events": ([], 4.0),
    "lines of twelve fields": (["-p", TWELVE_FIELDS], 4.0),
    "lines as JSON": (["-j"], 4.0),
}
CHISELS = "/usr/share/sysdig/chisels"
FAST_RATES: dict[str, tuple[list[str], float]] = {
    "a selective filter": (["evt.type=open and fd.name contains lib"], 4.0),
    "counting by name": (["-q", "-S"], 3.0),
    **{
        name: (["-c", f"{CHISELS}/{name}.lua", *arguments], 4.0)
        for name, arguments in (
            ("topprocs_net", ()),
            ("topscalls", ()),
            ("topfiles_bytes", ()),
            ("topconns", ()),
            ("httptop", ()),
            ("spectrogram", ()),
            ("fdbytes_by", ("proc.name",)),
        )
    },
}
ON_A_TERMINAL = frozenset({"spectrogram"})
FIRST_LINE_GOAL = 3.0


def _blocks(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        found.append((kind, data[at : at + size]))
        at += size
    return found


def _time_at(kind: int) -> int:
    """Return where in a block the event's time is: behind type, length, cpu and, if there are any, flags."""
    return 14 if kind in (0x208, 0x217, 0x222) else 10


def enlarge(trace: Path, path: Path, events: int) -> int:
    """Repeat a trace's events, later each time, until there are `events`; return how many there are."""
    data = trace.read_bytes()
    blocks = _blocks(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    body = bytearray(b"".join(block for kind, block in blocks if kind in EVENT_BLOCKS))
    places, at = [], 0
    for kind, block in blocks:
        if kind in EVENT_BLOCKS:
            places.append(at + _time_at(kind))
            at += len(block)
    times = [struct.unpack_from("<Q", body, place)[0] for place in places]
    span = max(times) - min(times) + _SECOND
    rounds = -(-events // len(places))
    with path.open("wb") as file:
        file.write(b"".join(block for kind, block in blocks if kind not in EVENT_BLOCKS))
        for number in range(rounds):
            for place, ts in zip(places, times, strict=True):
                struct.pack_into("<Q", body, place, ts + number * span)
            file.write(body)
    return rounds * len(places)


def _largest() -> Path:
    return max(traces(), key=lambda path: path.stat().st_size * (4 if path.read_bytes()[:2] == b"\x1f\x8b" else 1))


def _command(name: str, command: list[str]) -> list[str]:
    """Return the command with its output going nowhere: a pipe or a file would measure something else."""
    if name in ON_A_TERMINAL:
        # a terminal that tells no size is drawn on by one of the two only
        sized = f"stty cols 80 rows 24; exec {shlex.join(command)}"
        return ["sh", "-c", 'exec script -qec "$1" /dev/null > /dev/null', "sh", sized]
    return ["sh", "-c", 'exec "$@" > /dev/null', "sh", *command]


def _whole(name: str, command: list[str]) -> Callable[[], float]:
    return lambda: run(_command(name, command)).wall


def _first_line(command: list[str]) -> Callable[[], float]:
    def measure() -> float:
        started = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise CommandFailed(f"{' '.join(command)} printed nothing")
            waited = time.monotonic() - started
            process.kill()
        return waited

    return measure


def _compared(path: Path, events: int, rounds: int, rates: dict[str, tuple[list[str], float]]) -> list[str]:
    variants: dict[str, Callable[[], float]] = {}
    for name, (words, _) in rates.items():
        variants[f"sysdig {name}"] = _whole(name, [ORACLE, "-r", str(path), *words])
        variants[f"ours {name}"] = _whole(name, [*PROGRAM, "-r", str(path), *words])
    samples = interleave(variants, rounds)
    middle = medians(samples)
    lines = [f"a scap trace of {events / 1e6:.1f} M events ({path.stat().st_size / 1e6:.0f} MB), against sysdig"]
    for name, (_, goal) in rates.items():
        theirs, ours = middle[f"sysdig {name}"], middle[f"ours {name}"]
        both = f"sysdig {events / theirs / 1e6:5.2f}, ours {events / ours / 1e6:5.2f} M events/s"
        trust = f"+-{max(spread(samples[f'sysdig {name}']), spread(samples[f'ours {name}'])):.0%}"
        lines.append(f"  {name:<28} {both}: {theirs / ours:5.2f}x (goal {goal:g}x, {trust})")
    return lines


def _first_lines(path: Path, rounds: int) -> str:
    floor = [sys.executable, "-c", "print()"]
    commands = {"sysdig": [ORACLE, "-r", str(path)], "ours": [*PROGRAM, "-r", str(path)], "floor": floor}
    middle = medians(interleave({name: _first_line(command) for name, command in commands.items()}, 3 * rounds))
    theirs, ours = middle["sysdig"], middle["ours"]
    rates = f"sysdig {theirs:5.3f}, ours {ours:5.3f} s (an empty Python: {middle['floor']:5.3f} s)"
    return f"  {'first line, small trace':<28} {rates}: {ours / theirs:5.2f}x (goal at most {FIRST_LINE_GOAL:g}x)"


def _memory(paths: dict[int, Path]) -> str:
    words = FAST_RATES["topfiles_bytes"][0]
    peaks = {events: run([*PROGRAM, "-r", str(path), *words]).peak for events, path in paths.items()}
    texts = [f"{peak / 1e6:.0f} MB for {events / 1e6:.1f} M events" for events, peak in peaks.items()]
    return f"  {'memory of topfiles_bytes':<28} {', '.join(texts)}"


def report(rounds: int) -> list[str]:
    """Return the lines of this bench.

    Raises:
        CommandFailed: there is nothing to compare with.
    """
    why = no_oracle() or no_traces()
    if why:
        raise CommandFailed(why)
    # measured is what an installed program does: its modules are compiled once, and its output is buffered
    for variable in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        os.environ.pop(variable, None)
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "lines.scap", Path(folder) / "large.scap"
        line_events, events = enlarge(_largest(), small, LINE_EVENTS), enlarge(_largest(), large, EVENTS)
        return [
            *_compared(small, line_events, rounds, RATES),
            *_compared(large, events, rounds, FAST_RATES),
            _memory({line_events: small, events: large}),
            _first_lines(min(traces(), key=lambda path: path.stat().st_size), rounds),
        ]
