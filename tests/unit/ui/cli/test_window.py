from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from sysdig_py.capture.replay import Replay
from sysdig_py.capture.traces import open_replay
from sysdig_py.errors import TraceError, UsageError
from sysdig_py.trace.reader import NativeReader
from sysdig_py.ui.cli import run
from sysdig_py.ui.cli.options import ChiselRequest, Options
from sysdig_py.ui.cli.window import Window, window
from tests.synthetic import START
from tests.traces import with_checkpoints, write_story

SECOND = 10**9


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return write_story(tmp_path / "a.spy")


def _window(trace: Path, **options: str) -> Window:
    source = open_replay(trace)
    try:
        return window(Options(read=(str(trace),))._replace(**options), source)  # type: ignore[arg-type]
    finally:
        source.close()


def _numbers(trace: Path, capfd: pytest.CaptureFixture[str], **options: str) -> list[int]:
    capfd.readouterr()
    given = Options(read=(str(trace),), format="%evt.num %fd.name")._replace(**options)  # type: ignore[arg-type]
    run.run(given, lambda: False)
    return [int(line.split()[0]) for line in capfd.readouterr().out.splitlines()]


def test_times_after_the_start(trace: Path) -> None:
    assert _window(trace, since="10s") == Window(f"evt.reltime>={10 * SECOND}", 0, 10 * SECOND)
    text = f"evt.reltime>={SECOND // 2} and evt.reltime<{60 * SECOND}"
    assert _window(trace, since="500ms", until="1m") == Window(text, 0, SECOND // 2, 0, 60 * SECOND)


def test_times_before_the_end_come_from_the_index(trace: Path) -> None:
    last = START + 11_000_000 - 1_000_000
    assert _window(trace, since="-2ms").filter_text == f"evt.rawtime>={last - 2_000_000}"


def test_points_in_time(trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert _window(trace, until="1700000000.25") == Window(
        f"evt.rawtime<{START + SECOND // 4}", until_ns=START + SECOND // 4
    )
    for text in ("2023-11-14 22:13:20", "2023-11-14T22:13:20", "22:13:20", "22:13:20.0"):
        assert _window(trace, since=text).filter_text == f"evt.rawtime>={START}"
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("text", ["soon", "1x", "12", "22:13:20.x", "-", "-s", "99:99"])
def test_what_is_no_time_is_refused(trace: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"--since takes"):
        _window(trace, since=text)


def test_a_stretch_needs_one_trace() -> None:
    with pytest.raises(UsageError, match="name it with -r"):
        window(Options(since="10s"), None)


def test_the_end_of_a_cut_trace_is_not_known(trace: Path) -> None:
    trace.write_bytes(trace.read_bytes()[:-1])
    with pytest.raises(TraceError, match="no index"):
        _window(trace, since="-1s")


def test_a_scap_has_no_index(trace: Path, tmp_path: Path) -> None:
    run.run(Options(read=(str(trace),), write=str(tmp_path / "b.scap")), lambda: False)
    with pytest.raises(UsageError, match="only a native trace"):
        _window(tmp_path / "b.scap", since="-1s")
    with pytest.raises(UsageError, match="give the date"):
        _window(tmp_path / "b.scap", since="12:30")


def test_only_the_events_of_the_stretch_are_shown(trace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert _numbers(trace, capfd, since="2ms", until="5ms") == [3, 4, 5]
    assert _numbers(trace, capfd, since="-3ms") == [7, 8, 9, 10]
    assert _numbers(trace, capfd, until="4ms") == [1, 2, 3, 4]


def test_reading_ends_soon_after_the_stretch(tmp_path: Path) -> None:
    source = Replay(write_story(tmp_path / "a.spy"))
    assert source.last_ts() > START
    source.close()


def test_a_stretch_is_written_with_its_state(trace: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run.run(Options(read=(str(trace),), write=str(tmp_path / "b.spy"), since="4ms"), lambda: False)
    assert _numbers(tmp_path / "b.spy", capfd) == _numbers(trace, capfd, since="4ms")


DEMO = Path(__file__).parents[3] / "data" / "demo.spy"
LINES = "*%evt.num %evt.time %evt.reltime %evt.args %proc.cmdline %proc.cwd %proc.nchilds %thread.tid %user.name"
LINES += " %fd.name %fd.containername %container.name %proc.pname %proc.aname[2] %proc.env %evt.deltatime"
SHOWN = [
    {"format": LINES},
    {"format": LINES, "words": ("proc.name=httpd and fd.name exists",)},
    {"quiet": True, "summary": True},
    {"chisels": (ChiselRequest("topprocs_net", None),)},
    {"chisels": (ChiselRequest("lscontainers", None),)},
    {"chisels": (ChiselRequest("flows", None),)},
    # these make use of what is not shown, and have it
    {"format": "*%evt.num %evtin.span.id"},
]


@pytest.fixture(scope="module")
def checkpointed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_checkpoints(DEMO, tmp_path_factory.mktemp("window") / "demo.spy", block_records=100, blocks_apart=3)


def _out(trace: Path, capfd: pytest.CaptureFixture[str], **options: Any) -> str:
    capfd.readouterr()
    run.run(Options(read=(str(trace),))._replace(**options), lambda: False)
    return capfd.readouterr().out


@pytest.mark.parametrize("since", ["1ms", "900ms", "2500ms", "4800ms", "-1s", "-50ms", "1h"])
@pytest.mark.parametrize("shown", SHOWN, ids=str)
def test_what_begins_at_a_checkpoint_prints_the_same(
    shown: dict[str, Any], since: str, checkpointed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _out(checkpointed, capfd, since=since, **shown) == _out(DEMO, capfd, since=since, **shown)


@pytest.mark.parametrize("since", ["900ms", "4800ms"])
def test_what_begins_at_a_checkpoint_is_written_the_same(
    since: str, checkpointed: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number, trace in enumerate((DEMO, checkpointed)):
        run.run(Options(read=(str(trace),), write=str(tmp_path / f"{number}.spy"), since=since), lambda: False)
    whole, begun = (_out(tmp_path / f"{number}.spy", capfd, format=LINES) for number in range(2))
    assert begun == whole
    assert len(begun.splitlines()) > 50


def _records_read(trace: Path, shown: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> int:
    readers: list[NativeReader] = []
    begin = NativeReader.__init__

    def noted(reader: NativeReader, *args: Any, **options: Any) -> None:
        readers.append(reader)
        begin(reader, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(NativeReader, "__init__", noted)
        run.run(Options(read=(str(trace),), since="-50ms")._replace(**shown), lambda: False)
    return sum(reader.records for reader in readers)


def test_what_is_before_a_checkpoint_is_not_read(checkpointed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = 100 * 3
    assert _records_read(checkpointed, {"quiet": True}, monkeypatch) <= 2 * last
    assert _records_read(DEMO, {"quiet": True}, monkeypatch) > 10 * last
    # intervals and spans are made of all events
    assert _records_read(checkpointed, {"format": "%evtin.span.id"}, monkeypatch) > 10 * last
