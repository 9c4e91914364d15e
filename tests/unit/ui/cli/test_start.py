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


_ENDING = "import atexit, sys; from sysdig_py.ui.cli.main import program; atexit.register(print, 'tidy'); program()"


@pytest.mark.parametrize(
    ("words", "code", "is_tidied"), [(("-n", "3000"), 0, False), (("no.such=1",), 2, False), (("info",), 0, True)]
)
def test_a_run_ends_at_once_with_all_of_its_output(tmp_path, words, code, is_tidied):
    path, trace = tmp_path / "t.scap", Trace(processes(process(10)))
    for _ in range(3000):
        trace.event(5, i64(0))
    path.write_bytes(trace.data)
    words = [*words, str(path)] if is_tidied else ["-r", str(path), *words]
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {_ENDING}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.endswith("tidy\n")) == (code, is_tidied)
    assert bool(done.stderr) is bool(code)
    if not (code or is_tidied):
        assert len(done.stdout.splitlines()) == 3000
