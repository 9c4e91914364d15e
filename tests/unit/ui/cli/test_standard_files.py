import os
import subprocess
import sys

import pytest

LOOK = """
import os, sys
from sysdig_py.ui.cli.standard_files import open_closed_files
open_closed_files()
assert None not in (sys.stdin, sys.stdout, sys.stderr)
assert os.open("/dev/null", os.O_RDONLY) > 2
{then}
"""


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2), ()])
def test_what_is_opened_later_takes_no_standard_place(closed: tuple[int, ...]) -> None:
    assert look(closed, "").returncode == 0


def test_reading_and_writing_what_was_closed_fails() -> None:
    then = "for step in (lambda: os.read(0, 1), lambda: os.write(1, b'x')):\n    try: step()\n"
    then += "    except OSError: continue\n    sys.exit(3)"
    assert look((0, 1), then).returncode == 0


def look(closed: tuple[int, ...], then: str) -> "subprocess.CompletedProcess[bytes]":
    def close() -> None:
        for number in closed:
            os.close(number)

    words = [sys.executable, "-c", LOOK.format(then=then)]
    return subprocess.run(words, preexec_fn=close, check=False, timeout=30)
