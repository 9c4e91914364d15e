"""Freed memory stays with the process, so that large spans do not cost page faults each time."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
from sysdig_py.trace import heap
if sys.argv[1] == "kept":
    heap.keep_freed()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def round():
    spans = [b"x" * (2 << 20) for _ in range(6)]
for _ in range(3):
    round()
before = faults()
for _ in range(20):
    round()
print(faults() - before)
"""


def faults(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc: nothing is set")
def test_spans_that_come_and_go_cost_page_faults_only_before_freed_memory_is_kept():
    assert faults("kept") < 500 < 20 * 6 * 512 // 4 < faults("returned")
