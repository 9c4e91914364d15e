from typing import Any

import pytest

from sysdig_py.schema.record import RECORD_VERSION
from sysdig_py.trace import compat
from sysdig_py.trace.format import FORMAT_VERSION, FormatError
from sysdig_py.trace.reader import NativeReader
from tests.source_tree import ROOT


def _header(version: int, **more: Any) -> dict[str, Any]:
    return {"format": version, "record_version": RECORD_VERSION, **more}


def test_a_current_trace_stays_as_it_is() -> None:
    header = _header(FORMAT_VERSION)
    assert compat.upgrade(header) == (header, None)


def test_every_released_version_has_its_step() -> None:
    assert set(compat.CONVERTERS) == set(range(1, FORMAT_VERSION))


def test_steps_are_applied_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert_1_2(header: dict[str, Any]) -> Any:
        return {**header, "steps": ["1_2"]}, lambda records: records + b"2"

    def convert_2_3(header: dict[str, Any]) -> Any:
        return {**header, "steps": [*header["steps"], "2_3"]}, None

    def convert_3_4(header: dict[str, Any]) -> Any:
        return header, lambda records: records + b"4"

    monkeypatch.setattr(compat, "CONVERTERS", {1: convert_1_2, 2: convert_2_3, 3: convert_3_4})
    header, convert = compat.upgrade(_header(1), current=4)
    assert header["steps"] == ["1_2", "2_3"]
    assert convert is not None
    assert convert(b"x") == b"x24"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (_header(FORMAT_VERSION + 1), "newer than this"),
        (_header(0), "version 0 is unknown"),
        (_header(-1), "format is not a count"),
        ({}, "format is not a count"),
        ({"format": FORMAT_VERSION, "record_version": RECORD_VERSION + 1}, "record version"),
    ],
)
def test_other_versions_are_refused(header: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        compat.upgrade(header)


def _sample(version: int) -> tuple[bytes, NativeReader]:
    with NativeReader(ROOT / "tests" / "data" / f"format-{version}.spy") as reader:
        return b"".join(bytes(block.records) for block in reader), reader


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_a_trace_of_every_version_reads_as_it_was_written(version: int) -> None:
    records, reader = _sample(version)
    assert reader.complete and reader.records == 14
    assert reader.header["format"] == FORMAT_VERSION
    assert records.count(b"hello") == 5 and b"/etc/motd" in records
    # all samples were made of the same records
    assert records == _sample(FORMAT_VERSION)[0]
