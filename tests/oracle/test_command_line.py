"""What depends on the terminal, on several files, or on no file at all."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.oracle.compare import differing, table_in_order
from tests.oracle.made_traces import files
from tests.oracle.tools import ENVIRONMENT, ORACLE, Runs, sysdig, sysdig_py
from tests.source_tree import ROOT

TRACE = str(files()[-1])
OTHER = str(files()[0])
OURS = [sys.executable, "-m", "sysdig_py"]


def on_terminal(command: list[str]) -> bytes:
    """Return what a command writes to a terminal."""
    reader, terminal = pty.openpty()
    environment = ENVIRONMENT | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=terminal, stderr=subprocess.DEVNULL, env=environment, cwd="/") as process:
        os.close(terminal)
        written = b""
        while part := _read(reader):
            written += part
        process.wait()
    os.close(reader)
    return written


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, 1 << 16)
    except OSError:  # a terminal whose last writer has gone
        return b""


@pytest.mark.parametrize(
    "words",
    [
        ("-r", TRACE),
        ("-r", TRACE, "-r", OTHER),
        ("-r", TRACE, "-j"),
        ("-r", TRACE, "-pc"),
        ("-r", TRACE, "-q"),
        ("-r", TRACE, "-p", "%evt.num"),
        ("-r", TRACE, "-c", "topfiles_bytes"),
        ("-r", TRACE, "-S", "-q", "evt.num=5"),
        ("-pp",),
        ("-pc", "-pp"),
    ],
    ids=" ".join,
)
def test_the_same_goes_to_a_terminal(words: tuple[str, ...]) -> None:
    assert differing(on_terminal([ORACLE, *words]), on_terminal([*OURS, *words])) == []


@pytest.mark.parametrize(
    "words",
    [
        ("-p", "%evt.num %evt.reltime %evt.type %fd.name"),
        ("-n", "7"),
        ("-S", "-n", "9", "-q"),
        ("-c", "topfiles_bytes"),
        ("-n", "30", "-c", "topscalls_time"),
        ("-M", "1", "-p", "%evt.num"),
    ],
    ids=" ".join,
)
def test_several_files_one_after_the_other(words: tuple[str, ...], runs: Runs) -> None:
    theirs, ours = runs.both(("-r", TRACE, "-r", OTHER, "-r", TRACE, *words))
    assert differing(table_in_order(theirs.out), table_in_order(ours.out)) == []


@pytest.mark.parametrize(
    "words", [("-pp",), ("-pc", "-pp"), ("-pk", "-pp"), ("-pm", "-pp"), ("-pp", "-pc")], ids=" ".join
)
def test_pp_shows_the_same_format(words: tuple[str, ...], runs: Runs) -> None:
    theirs, ours = runs.both(words)
    assert (ours.out, ours.code) == (theirs.out, theirs.code)


def test_events_are_listed_in_the_same_layout(runs: Runs) -> None:
    """The tables are of different ages, so only what did not change since is the same."""
    theirs, ours = (done.out.decode().splitlines() for done in runs.both(("-L",)))
    layout = re.compile(r"[<>] \w+\((?:[A-Z0-9_]+ [\w ]+(?:, [A-Z0-9_]+ [\w ]+)*)?\)")
    assert [line for line in theirs if not layout.fullmatch(line)] == []
    assert [line for line in ours if not layout.fullmatch(line)] == []
    assert len(set(ours) & set(theirs)) > 30


def test_fields_are_listed_in_the_same_layout(runs: Runs) -> None:
    for words in (("-l",), ("-lv",), ("--list-markdown",)):
        theirs, ours = (done.out.decode() for done in runs.both(words))
        for text in (theirs, ours):
            assert re.search(r"^(`?)evt\.num\1 ", text, re.MULTILINE), words
            assert "Field Class: " in text
        assert ("(Type: UINT64" in theirs) == ("(Type: UINT64" in ours)


@pytest.mark.parametrize("missing", [1, 10, 200])
def test_a_cut_trace_is_read_up_to_the_cut(missing: int, tmp_path: Path) -> None:
    """sysdig 0.29.3 prints the same events and then gives up with exit code 1."""
    cut = tmp_path / "cut.scap"
    cut.write_bytes(Path(TRACE).read_bytes()[:-missing])
    theirs, ours = sysdig(("-r", str(cut))), sysdig_py(("-r", str(cut)))
    assert differing(theirs.out, ours.out) == []
    assert (ours.code, theirs.code) == (0, 1)
    warnings = ours.err.decode().splitlines()
    assert len(warnings) == 1
    assert re.search(r"at byte \d+", warnings[0])
