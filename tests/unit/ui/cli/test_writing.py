import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sysdig_py.capture.traces import open_replay
from sysdig_py.errors import UsageError
from sysdig_py.trace.reader import NativeReader
from sysdig_py.ui.cli import run
from sysdig_py.ui.cli.options import Options
from sysdig_py.ui.cli.writing import open_writer
from tests.traces import write_story
from tests.unit.trace.traces import TOTALS


@pytest.mark.parametrize(
    ("name", "compress", "starts"),
    [
        ("x.scap", False, b"\x0a\x0d\x0d\x0a"),
        ("x.scap", True, b"\x1f\x8b"),
        ("x.scap.gz", False, b"\x1f\x8b"),
        ("x", False, b"\x8fSPY"),
    ],
)
def test_the_name_says_which_format_is_written(tmp_path: Path, name: str, compress: bool, starts: bytes) -> None:
    source = open_replay(write_story(tmp_path / "a.spy"))
    open_writer(str(tmp_path / name), source, Options(compress=compress)).close(TOTALS)
    source.close()
    assert (tmp_path / name).read_bytes().startswith(starts)


def test_a_copy_keeps_when_and_how_the_trace_was_captured(tmp_path: Path) -> None:
    source = open_replay(write_story(tmp_path / "a.spy"))
    open_writer(str(tmp_path / "b.spy"), source, Options(words=("evt.type=read",))).close(TOTALS)
    source.close()
    with NativeReader(tmp_path / "a.spy") as first, NativeReader(tmp_path / "b.spy") as second:
        assert second.header["filter"] == "evt.type=read"
        assert {k: first.header[k] for k in ("start_ts", "snaplen")} == {
            k: second.header[k] for k in ("start_ts", "snaplen")
        }


FIELDS = "*%evt.type %evt.args %proc.name %proc.cwd %fd.name %fd.type %container.name"


def _lines(path: Path, capfd: pytest.CaptureFixture[str]) -> list[str]:
    capfd.readouterr()
    run.run(Options(read=(str(path),), format=FIELDS), lambda: False)
    return capfd.readouterr().out.splitlines()


def test_every_file_of_a_series_replays_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trace = write_story(tmp_path / "a.spy")
    run.run(Options(read=(str(trace),), write=str(tmp_path / "x.spy"), file_events=3), lambda: False)
    files = sorted(tmp_path.glob("x.spy*"))
    assert [path.name for path in files] == ["x.spy0", "x.spy1", "x.spy2", "x.spy3"]
    parts = [_lines(path, capfd) for path in files]
    assert [len(part) for part in parts] == [3, 3, 3, 1]
    assert [line for part in parts for line in part] == _lines(trace, capfd)


def test_files_are_cut_by_event_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trace = write_story(tmp_path / "a.spy")
    run.run(Options(read=(str(trace),), write=str(tmp_path / "x.spy"), file_seconds=0.004), lambda: False)
    assert [len(_lines(path, capfd)) for path in sorted(tmp_path.glob("x.spy*"))] == [4, 4, 2]


def test_the_last_seconds_before_an_event_are_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trace = write_story(tmp_path / "a.spy")
    options = Options(read=(str(trace),), write=str(tmp_path / "x.spy"), last=60.0, dump_when="evt.num=6")
    run.run(options, lambda: False)
    assert "seconds are in" in capfd.readouterr().err
    assert _lines(tmp_path / "x.spy0", capfd) == _lines(trace, capfd)


def test_a_signal_has_the_last_seconds_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = write_story(tmp_path / "a.spy").read_bytes()
    command = [sys.executable, "-m", "sysdig_py", "-r", "-", "-w", str(tmp_path / "x.spy"), "--last", "60s", "-P"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin and process.stderr
        process.stdin.write(data[:-16])
        process.stdin.flush()
        time.sleep(1.5)
        os.kill(process.pid, signal.SIGUSR2)
        process.stdin.write(data[-16:])
        process.stdin.close()
        assert b"seconds are in" in process.stderr.read()
        assert process.wait(20) == 0
    assert len(_lines(tmp_path / "x.spy0", capfd)) == 10


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"file_count": 3}, "-W needs"),
        ({"dump_when": "evt.num=1"}, "--dump-when needs --last"),
        ({"last": 1.0, "file_events": 3}, "contradict"),
        ({"write": "-", "last": 1.0}, "standard output"),
        ({"write": None, "last": 1.0}, "give -w a name"),
    ],
)
def test_options_that_make_no_sense_together(tmp_path: Path, changed: dict[str, object], complaint: str) -> None:
    trace = write_story(tmp_path / "a.spy")
    options = Options(read=(str(trace),), write=str(tmp_path / "x.spy"))._replace(**changed)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=complaint):
        run.run(options, lambda: False)
    assert [path.name for path in tmp_path.iterdir()] == ["a.spy"]
