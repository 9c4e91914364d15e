"""What a run loads decides how soon its first line is there."""

import os
import subprocess
import sys

import pytest

from tests.scap import Trace, i64, process, processes

# some are slow to load, some draw in many others; none is needed to print the lines of a trace of sysdig
NEEDLESS = {
    "asyncio", "concurrent", "dataclasses", "difflib", "email", "hashlib", "http", "importlib.metadata",
    "importlib.resources", "inspect", "json", "logging", "msgpack", "psutil", "rich", "shutil", "ssl", "subprocess",
    "tempfile", "zstandard", "sysdig_py.capture.live", "sysdig_py.filter", "sysdig_py.trace.writer",
    "sysdig_py.trace.reader", "sysdig_py.ui.cli.doctor",
}  # fmt: skip

_RUN = "import sys; from sysdig_py.ui.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"


@pytest.fixture
def loaded(tmp_path):
    path = tmp_path / "t.scap"
    path.write_bytes(Trace(processes(process(10))).event(5, i64(0)).data)

    def run(*words):
        command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {_RUN}", "-r", str(path)]
        environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=True, env=environment)
        line, modules = done.stdout.splitlines()
        assert line
        return set(modules.split())

    run()  # leaves what is compiled once in the cache
    return run


def test_a_replay_loads_nothing_needless(loaded):
    assert not loaded() & NEEDLESS


def test_nor_does_one_with_a_filter_that_was_used_before(loaded):
    assert "sysdig_py.filter" in loaded("evt.type=close")
    assert not loaded("evt.type=close") & NEEDLESS
