from __future__ import annotations

import time
from pathlib import Path

import pytest

from sysdig_py.trace.background import BackgroundWriter
from sysdig_py.trace.format import Totals
from sysdig_py.trace.reader import NativeReader
from sysdig_py.trace.series import FileLimits, FileNames, LastSeconds, RotatedFiles
from sysdig_py.trace.writer import NativeWriter
from tests.unit.trace.traces import HEADER, START, TOTALS, span

SECOND = 10**9


def _open(name: str) -> BackgroundWriter:
    return NativeWriter(name, HEADER, block_bytes=1, flush_seconds=0.01)


def _counts(path: Path) -> tuple[int, Totals | None]:
    with NativeReader(path) as reader:
        records = sum(block.meta.count for block in reader)
        return records, reader.totals


@pytest.mark.parametrize(
    ("limits", "names"),
    [
        (FileLimits(events=5), ["x0", "x1", "x2", "x3"]),
        (FileLimits(events=5, files=2), ["x0", "x1", "x0", "x1"]),
        (FileLimits(size=5), ["x0", "x1", "x2", "x3"]),
        (FileLimits(size=5, files=10), ["x00", "x01", "x02", "x03"]),
        (FileLimits(size=5, events=5, files=10), ["x0", "x1", "x2", "x3"]),
        (FileLimits(seconds=5), ["x0", "x1", "x2", "x3"]),
    ],
)
def test_files_have_the_names_that_sysdig_gives_them(limits: FileLimits, names: list[str]) -> None:
    made = FileNames("x", limits)
    assert [made.next(START + i * SECOND) for i in range(4)] == names


def test_files_named_by_time_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    names = FileNames(str(tmp_path / "x-%M%S"), FileLimits(seconds=1, files=2))
    for i in range(4):
        Path(names.next(START + i * SECOND)).touch()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["x-1322", "x-1323"]
    monkeypatch.undo()
    time.tzset()


def _rotated(tmp_path: Path, limits: FileLimits) -> RotatedFiles:
    return RotatedFiles(_open, FileNames(str(tmp_path / "x"), limits), lambda: TOTALS, limits, needs_users_first=False)


def test_every_file_counts_for_itself(tmp_path: Path) -> None:
    files = _rotated(tmp_path, FileLimits(events=1))
    files.write_block(span(2), START, START + 1, 2)
    files.next_file()
    files.write_block(span(3), START, START + 1, 3)
    files.close(Totals(events=35, bytes=3500, lost={"ring-full": 6}, seconds=2.0))
    assert _counts(tmp_path / "x0") == (2, TOTALS)
    assert _counts(tmp_path / "x1") == (3, Totals(events=5, bytes=500, lost={"ring-full": 2}, seconds=0.5))


def test_no_file_is_made_of_state_alone(tmp_path: Path) -> None:
    files = _rotated(tmp_path, FileLimits(events=1))
    files.write_block(span(1), 0, 0, 1)
    files.write_block(span(2), START, START + 1, 2)
    files.next_file()
    files.write_block(span(1), 0, 0, 1)
    files.close(TOTALS)
    assert [path.name for path in tmp_path.iterdir()] == ["x0"]
    assert _counts(tmp_path / "x0")[0] == 3


def test_a_file_is_full_with_what_waits_to_be_compressed(tmp_path: Path) -> None:
    files = _rotated(tmp_path, FileLimits(size=60_000))
    written = 0
    while not files.is_full():
        files.write_block(span(100, seed=written), START, START + 1, 100)
        written += 1
    files.close(TOTALS)
    assert 30_000 < (tmp_path / "x0").stat().st_size < 120_000


def _last(tmp_path: Path, told: list[str]) -> LastSeconds:
    names = FileNames(str(tmp_path / "x"), FileLimits())
    return LastSeconds(
        _open, names, lambda: TOTALS, 10, needs_users_first=False, on_file=lambda name, _seconds: told.append(name)
    )


def _fill(last: LastSeconds, first: int, until: int) -> None:
    for second in range(first, until):
        last.write_block(span(2, START + second * SECOND), START + second * SECOND, START + second * SECOND + 1000, 2)
        last.next_file()


def test_the_last_seconds_are_written_when_an_event_asks_for_them(tmp_path: Path) -> None:
    told: list[str] = []
    last = _last(tmp_path, told)
    _fill(last, 0, 60)
    assert not last.after_batch(triggered=False)
    assert list(tmp_path.iterdir()) == []
    assert last.after_batch(triggered=True)
    assert told == [str(tmp_path / "x0")]
    records, totals = _counts(tmp_path / "x0")
    # eleven seconds hold what ten seconds may be asked about
    assert records == 22 and totals is not None and totals.lost == {"ring-full": 4}


def test_no_event_is_in_two_files(tmp_path: Path) -> None:
    last = _last(tmp_path, [])
    _fill(last, 0, 3)
    last.want()
    assert last.after_batch(triggered=False)
    _fill(last, 3, 5)
    last.want()
    last.close(TOTALS)
    assert [_counts(tmp_path / name)[0] for name in ("x0", "x1")] == [6, 4]


def test_without_a_wish_nothing_is_written(tmp_path: Path) -> None:
    last = _last(tmp_path, [])
    _fill(last, 0, 3)
    last.close(TOTALS)
    last = _last(tmp_path, [])
    last.want()
    last.abort()
    assert list(tmp_path.iterdir()) == []


def test_memory_is_bounded_when_seconds_hold_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysdig_py.trace.series.LAST_BYTES", 5000)
    last = _last(tmp_path, [])
    for i in range(100):
        last.write_block(span(20, START + i, seed=i), START + i, START + i + 1000, 20)
        last.next_file()
        time.sleep(0.001)
    last.after_batch(triggered=True)
    assert 0 < _counts(tmp_path / "x0")[0] < 1000
