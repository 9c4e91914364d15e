"""The program as its user meets it: a process, its output, its exit code; never a Python traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("words", [["-l"], ["-r", "TRACE"], ["-r", "TRACE", "-n", "1"], ["-r", "TRACE", "-q", "-S"]])
def test_a_full_disk_is_one_clear_line(words: list[str], trace: Path) -> None:
    command = [sys.executable, "-m", "sysdig_py", *(str(trace) if word == "TRACE" else word for word in words)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert done.returncode == 7
    assert done.stderr == "sysdig-py: output: No space left on device: the rest of it is lost -> write it elsewhere\n"
