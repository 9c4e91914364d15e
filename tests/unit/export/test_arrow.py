"""Kinds as Arrow types; descriptions of memory as arrays; a missing library is told with the command that brings it."""

import ctypes
import struct
import sys

import pyarrow as pa
import pytest

from sysdig_py.errors import EnvironmentLack
from sysdig_py.export import arrow
from sysdig_py.export.arrow import Column


def test_schema_names_and_types() -> None:
    kinds = {"n": "int64", "t": "time", "w": "word", "l": "list:text", "b": "bytes"}
    assert arrow.schema([Column(*item) for item in kinds.items()]) == pa.schema(
        [
            ("n", pa.int64()),
            ("t", pa.timestamp("ns")),
            ("w", pa.dictionary(pa.int32(), pa.string())),
            ("l", pa.list_(pa.string())),
            ("b", pa.binary()),
        ]
    )


def test_memory_is_copied() -> None:
    data, valid = (ctypes.c_int64 * 3)(1, 0, 3), (ctypes.c_uint8 * 1)(0b101)
    numbers = [1, ctypes.addressof(valid), 1, ctypes.addressof(data), 24]
    batch = arrow.batch([Column("n", "int64")], 3, struct.pack("<5d", *numbers))
    data[0] = 99
    assert batch.column(0).to_pylist() == [1, None, 3]


def test_a_missing_library_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EnvironmentLack, match=r"columns need pyarrow.*pip install 'sysdig-py\[columns\]'"):
        arrow.schema([Column("n", "int64")])
