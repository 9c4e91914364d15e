"""The program as its user meets it: a process, its output, its exit code; never a Python traceback."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sysdig_py.trace.reader import NativeReader
from sysdig_py.ui.cli.main import BROKEN_PIPE, COMMANDS
from tests.traces import write_story


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_story(tmp_path_factory.mktemp("main") / "story.spy")


def program(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sysdig_py", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_replay_prints_lines(trace: Path) -> None:
    done = program("-r", trace, "-p", "%evt.num %container.name %proc.name %evt.res", "evt.type=write")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "2 web cat EBADF"
    assert done.stderr == ""


def test_verbose_ends_with_the_counts(trace: Path) -> None:
    assert program("-v", "-q", "-r", trace).stderr.startswith("10 events, ")


def test_a_cut_trace_replays_up_to_the_cut_and_says_so(trace: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.spy"
    cut.write_bytes(trace.read_bytes()[:-30])
    done = program("-r", cut, "-p", "%evt.num")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "10"
    assert "cut.spy" in done.stderr
    assert "at byte" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["-Q"], 2, "unknown option -Q"),
        (["proc.nmae=cat"], 2, "did you mean proc.name?"),
        (["fd.num=many"], 2, "many is not a valid number"),
        (["-p", "%nothing.here"], 2, "nothing.here"),
        (["-c", "topprocs_nett"], 2, "did you mean topprocs_net?"),
        (["-c", "netlower"], 2, "missing arguments for chisel netlower"),
        (["-i", "nothing"], 2, "not found"),
        (["-r", "/nonexistent.spy"], 3, "/nonexistent.spy"),
        (["-r", "/etc/hostname"], 3, "not a trace"),
        (["-n", "none"], 2, "whole number"),
        (["-c", "\udcff"], 2, "not found"),
        (["-r", "\udcff"], 3, "cannot open"),
        (["proc.name=\udcff and"], 2, "expected a field"),
    ],
)
def test_bad_input_is_one_clear_line(words: list[str], code: int, message: str) -> None:
    done = program(*words)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stderr.startswith("sysdig-py: ")
    assert "Traceback" not in done.stderr


def test_a_filter_error_points_at_its_place() -> None:
    lines = program("evt.type=read and proc.nmae=cat").stderr.splitlines()
    assert lines[1:] == ["  evt.type=read and proc.nmae=cat", "                    ^"]


def test_a_failing_chisel_gives_its_own_exit_code(trace: Path, tmp_path: Path) -> None:
    script = tmp_path / "bad.lua"
    script.write_text("description=''; short_description=''; args={}\nfunction on_event() error('broken') end")
    done = program("-r", trace, "-c", script)
    assert done.returncode == 6
    assert "bad.lua:2" in done.stderr
    assert "Traceback (most recent" not in done.stderr


def test_without_root_live_capture_is_refused_clearly(trace: Path) -> None:
    command = ["setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
    words = [*command, sys.executable, "-m", "sysdig_py", "-n", "1"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False, env={"HOME": "/tmp"})
    assert done.returncode == 5
    assert "root" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error(trace: Path) -> None:
    script = f"{sys.executable} -m sysdig_py -r {trace} -v | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.startswith("1 ")
    assert "Traceback" not in done.stderr


# every word that prints by itself, and a listing and a run
PRINTING = [
    ["doctor"],
    ["info", "TRACE"],
    ["info", "-j", "TRACE"],
    ["sql", "SELECT evt.type FROM events", "-r", "TRACE"],
    ["sql", "SELECT evt.type FROM events", "-r", "TRACE", "-j"],
    ["sql", "SELECT evt.type FROM events", "-r", "TRACE", "--csv"],
    ["chisel", "new", "NEW"],
    ["chisel", "test", "chisels/topprocs_net.lua", "--trace", "TRACE"],
    ["-l"],
    ["-r", "TRACE"],
    ["-r", "TRACE", "-n", "1"],
    ["-r", "TRACE", "-q", "-S"],
    ["-r", "TRACE", "--explain"],
]
# what they write is a file, and fails like one
WRITING = [["export", "--parquet", "-", "-r", "TRACE"], ["export", "--pcapng", "-", "-r", "TRACE"]]
WRITING += [["convert", "TRACE", "-"], ["-r", "TRACE", "-w", "-"]]


def printed(words: list[str], trace: Path, folder: Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    places = {"TRACE": str(trace), "NEW": str(folder / "made")}
    command = [sys.executable, "-m", "sysdig_py", *(places.get(word, word) for word in words)]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=30, check=False, **options)


def test_every_subcommand_is_among_them() -> None:
    assert {words[0] for words in PRINTING + WRITING} >= set(COMMANDS)


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_a_full_disk_is_one_clear_line(words: list[str], trace: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = printed(words, trace, tmp_path, stdout=full)
    assert done.returncode == 7
    assert done.stderr == "sysdig-py: output: No space left on device: the rest of it is lost -> write it elsewhere\n"


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_a_closed_output_is_one_clear_line(words: list[str], trace: Path, tmp_path: Path) -> None:
    done = printed(words, trace, tmp_path, preexec_fn=lambda: os.close(1))
    assert done.returncode == 7
    assert done.stderr == "sysdig-py: output: Bad file descriptor: the rest of it is lost -> write it elsewhere\n"


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_a_reader_that_has_gone_ends_every_command_in_silence(words: list[str], trace: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = printed(words, trace, tmp_path, stdout=pipe)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, "")


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
def test_a_file_on_a_full_output_is_one_clear_line(words: list[str], trace: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = printed(words, trace, tmp_path, stdout=full)
    assert done.returncode == 3
    assert done.stderr.startswith("sysdig-py: ")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_trace_is_written_without_standard_files(trace: Path, tmp_path: Path) -> None:
    """And none of its bytes go where errors or text would."""
    made = tmp_path / "made.spy"

    def close_all() -> None:
        for number in range(3):
            os.close(number)

    command = [sys.executable, "-m", "sysdig_py", "-r", str(trace), "-w", str(made)]
    done = subprocess.run(command, preexec_fn=close_all, timeout=30, check=False)
    assert done.returncode == 0
    with NativeReader(made) as reader:
        assert list(reader)
        assert reader.complete
