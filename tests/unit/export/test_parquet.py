"""The Parquet file holds the rows and what is known about them, and other readers agree."""

import io
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

import sysdig_py
from sysdig_py.errors import TraceError
from sysdig_py.export import parquet
from sysdig_py.export.events import Selection
from tests.source_tree import ROOT


def selection(text: str = "container.name=web") -> Selection:
    fields = ("evt.num", "evt.rawtime", "proc.name", "fd.name", "evt.buffer", "fd.port", "evt.latency")
    return sysdig_py.open(ROOT / "tests/data/demo.spy").filter(text).select(fields)


def test_rows_and_metadata() -> None:
    file, chosen = io.BytesIO(), selection()
    assert parquet.write(chosen, file, {"filter": "container.name=web"}) == 1176
    table = pq.read_table(file)
    assert table.to_pylist() == chosen.arrow().to_pylist()
    known = json.loads(pq.ParquetFile(file).metadata.metadata[b"sysdig_py"])
    assert known == {"filter": "container.name=web", "rows": 1176, "lost": {}}


def test_small_row_groups_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 100)
    monkeypatch.setattr(parquet, "_READ_ROWS", 10)
    file, chosen = io.BytesIO(), selection()
    parquet.write(chosen, file, {})
    assert pq.ParquetFile(file).metadata.num_row_groups > 5
    assert pq.read_table(file).to_pylist() == chosen.arrow().to_pylist()


def test_duckdb_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    with path.open("wb") as file:
        parquet.write(selection(), file, {})
    assert duckdb.sql(f"SELECT count(*), max(\"evt.num\") FROM '{path}'").fetchall() == [(1176, 4355)]


def test_no_event_makes_an_empty_file() -> None:
    file = io.BytesIO()
    assert parquet.write(selection("evt.num < 0"), file, {}) == 0
    assert pq.read_table(file).num_rows == 0


def test_an_error_while_reading_is_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise TraceError("cut")

    chosen = selection()
    monkeypatch.setattr(chosen, "read", broken)
    with pytest.raises(TraceError, match="cut"):
        parquet.write(chosen, io.BytesIO(), {})
