"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sysdig_py.errors import TraceError
from sysdig_py.trace.output_file import open_output


@contextmanager
def whole_file(path: str) -> Iterator[BinaryIO]:
    """Give a file to write to, which appears under `path` when the block ends without an error.

    It is readable by its owner only. "-" is standard output; a pipe or /dev/null is written to directly.

    Raises:
        TraceError: the file cannot be made, written or put in its place.
    """
    try:
        with _opened(path) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise TraceError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif Path(path).exists() and not Path(path).is_file():
        with open_output(path) as file:
            yield file
    else:
        with _replaced(Path(path).resolve()) as file:
            yield file


@contextmanager
def _replaced(target: Path) -> Iterator[BinaryIO]:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
