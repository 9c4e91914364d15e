"""The README's answers are what the program prints for the trace that comes with the project."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from tests.source_tree import ROOT

MORE = "..."
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)


def answers() -> list[tuple[str, list[str]]]:
    """Return every command on the shipped trace with the lines shown below it."""
    blocks = [block.rstrip("\n").split("\n") for block in _BLOCK.findall((ROOT / "README.md").read_text())]
    return [(lines[0][2:], lines[1:]) for lines in blocks if re.match(r"\$ sysdig-py .*-r tests/data/", lines[0])]


def printed(command: str) -> list[str]:
    words = [sys.executable, "-m", "sysdig_py", *shlex.split(command)[1:]]
    environment = os.environ | {"TZ": "UTC"}
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=30, check=True)
    return [line.rstrip() for line in done.stdout.splitlines()]


def test_there_are_ten_answers_and_more() -> None:
    assert len(answers()) > 10


@pytest.mark.parametrize(("command", "shown"), answers(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_answer_is_real(command: str, shown: list[str]) -> None:
    lines = printed(command)
    if shown[-1] == MORE:
        assert lines[: len(shown) - 1] == shown[:-1]
        assert len(lines) >= len(shown)
    else:
        assert lines == shown
