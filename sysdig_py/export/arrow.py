"""The door to pyarrow: kinds of columns as Arrow types, and the engine's column memory as Arrow arrays.

`engine/lua/columns/vectors.lua` describes a batch as a row of numbers (rows without a value, then address
and size of every buffer). What is at the addresses is copied once, a whole buffer at a time, and is laid
out as Arrow's format says: https://arrow.apache.org/docs/format/Columnar.html
"""

from __future__ import annotations

import ctypes
import importlib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from sysdig_py.errors import EnvironmentLack

if TYPE_CHECKING:
    import pyarrow as pa

EXTRA: Final = "pip install 'sysdig-py[columns]'"


def library(name: str) -> ModuleType:
    """Return an optional library.

    Raises:
        EnvironmentLack: it is not installed; the message says how it comes.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EnvironmentLack(f"columns need {name}, which is not installed -> {EXTRA}") from error


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, and the kind of its values as `columns/vectors.lua` names them."""

    name: str
    kind: str

    @property
    def type(self) -> pa.DataType:
        """Return the Arrow type."""
        return _type(self.kind)


def _type(kind: str) -> pa.DataType:
    pa = library("pyarrow")
    if kind.startswith("list:"):
        return pa.list_(_type(kind.removeprefix("list:")))
    types: dict[str, Callable[[], Any]] = {
        "int64": pa.int64,
        "uint64": pa.uint64,
        "float64": pa.float64,
        "bool": pa.bool_,
        "time": lambda: pa.timestamp("ns"),
        "text": pa.string,
        "bytes": pa.binary,
        "word": lambda: pa.dictionary(pa.int32(), pa.string()),
    }
    return types[kind]()


def schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of some columns."""
    return library("pyarrow").schema([(column.name, column.type) for column in columns])


def batch(columns: Sequence[Column], rows: int, description: bytes) -> pa.RecordBatch:
    """Copy what the engine describes into a batch of Arrow arrays."""
    numbers = iter(int(number) for (number,) in struct.iter_unpack("<d", description))
    arrays = [_array(column.kind, rows, numbers) for column in columns]
    return library("pyarrow").RecordBatch.from_arrays(arrays, schema=schema(columns))


def _buffer(numbers: Iterator[int]) -> pa.Buffer:
    address, size = next(numbers), next(numbers)
    return library("pyarrow").py_buffer(ctypes.string_at(address, size) if size else b"")


def _array(kind: str, rows: int, numbers: Iterator[int]) -> pa.Array:
    pa = library("pyarrow")
    missing, valid = next(numbers), _buffer(numbers)
    validity = valid if missing else None
    if kind.startswith("list:"):
        return _list(kind, rows, (missing, validity), numbers)
    if kind == "word":
        codes = pa.Array.from_buffers(pa.int32(), rows, [validity, _buffer(numbers)], missing)
        return _words(codes, _array("text", next(numbers), numbers))
    buffers = [validity, _buffer(numbers)]
    if kind in ("text", "bytes"):
        buffers.append(_buffer(numbers))
    array = pa.Array.from_buffers(_type(kind), rows, buffers, missing)
    return _valid_text(array, rows, buffers, missing) if kind == "text" else array


def _list(kind: str, rows: int, head: tuple[int, Any], numbers: Iterator[int]) -> pa.Array:
    pa = library("pyarrow")
    missing, validity = head
    offsets = _buffer(numbers)
    items = _array(kind.removeprefix("list:"), next(numbers), numbers)
    return pa.Array.from_buffers(_type(kind), rows, [validity, offsets], missing, children=[items])


def _words(codes: pa.Array, words: pa.Array) -> pa.Array:
    encoded = library("pyarrow").DictionaryArray.from_arrays(codes, words, safe=False)
    # replacement characters can have made two of them one, which users of dictionaries do not expect
    return encoded if len(words.unique()) == len(words) else encoded.dictionary_decode().dictionary_encode()


def _valid_text(array: pa.Array, rows: int, buffers: list[Any], missing: int) -> pa.Array:
    """Return `array`, with a replacement character for each byte that is no UTF-8: names in Linux are any bytes."""
    pa = library("pyarrow")
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        raw = pa.Array.from_buffers(pa.binary(), rows, buffers, missing).to_pylist()
        return pa.array([None if value is None else value.decode(errors="replace") for value in raw], pa.string())
    return array
