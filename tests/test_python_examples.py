"""The examples of docs/python.md run as they stand and print what stands below them."""

import re
import subprocess
import sys

import pytest

from tests.source_tree import ROOT

_EXAMPLE = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.DOTALL | re.MULTILINE)
EXAMPLES = _EXAMPLE.findall((ROOT / "docs/python.md").read_text())


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize(("code", "shown"), [example for example in EXAMPLES if "live(" not in example[0]])
def test_the_example_prints_what_stands_below_it(code: str, shown: str) -> None:
    done = run(code)
    assert done.stderr == ""
    assert done.stdout == shown


@pytest.mark.kernel
@pytest.mark.parametrize("code", [code for code, _ in EXAMPLES if "live(" in code])
def test_the_live_example_captures(code: str) -> None:
    opens = "while sleep 0.1; do cat /etc/hostname; done"
    with subprocess.Popen(["sh", "-c", opens], stdout=subprocess.DEVNULL) as opening:
        try:
            done = run(code)
        finally:
            opening.kill()
    assert done.stderr == ""
    assert re.fullmatch(r"(\d+ files opened\n)+lost: \{.*\}\n", done.stdout)
