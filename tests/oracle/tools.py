"""Running sysdig and sysdig-py on the same words: each once per run, side by side, in one fixed environment.

The program under test runs in processes forked from a server that has loaded it, which saves its start; the real
command is run by `test_harness.py`. Both tools work in an empty folder, since sysdig prefers the chisels it finds
in `./chisels`.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.source_tree import ROOT

ORACLE = "sysdig"
VERSION = "0.29.3"
TRACES_VARIABLE = "SYSDIG_PY_TRACES"
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": "/nonexistent",
    "TZ": "XYZ-3:30",
    "TERM": "dumb",
    "LC_ALL": "C",
}
_SECONDS = 60


@dataclass(frozen=True)
class Done:
    """How a run ended."""

    out: bytes
    err: bytes
    code: int


def traces_folder() -> Path:
    return Path(os.environ.get(TRACES_VARIABLE, ROOT.parent / "shared" / "traces"))


@functools.cache
def traces() -> tuple[Path, ...]:
    return tuple(sorted(traces_folder().glob("*.scap")))


@functools.cache
def no_oracle() -> str:
    """Why the two tools cannot be compared here; "" when they can."""
    if shutil.which(ORACLE) is None:
        return f"{ORACLE} is not installed (package sysdig)"
    found = subprocess.run([ORACLE, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return "" if found.endswith(VERSION) else f"the comparison is with {ORACLE} {VERSION}, and here is: {found}"


@functools.cache
def no_traces() -> str:
    """Why there is nothing to compare on; "" when there is."""
    return "" if traces() else f"no .scap files in {traces_folder()} ({TRACES_VARIABLE} names another folder)"


@functools.cache
def _folder() -> str:
    return tempfile.mkdtemp(prefix="oracle-")


def sysdig(words: tuple[str, ...]) -> Done:
    """Run the oracle."""
    done = subprocess.run(
        [ORACLE, *words], capture_output=True, env=ENVIRONMENT, cwd=_folder(), check=False, timeout=_SECONDS
    )
    return Done(done.stdout, done.stderr, done.returncode)


def _become(words: tuple[str, ...], folder: str, out: str, err: str) -> None:
    """Turn this forked process into a run of the program."""
    from sysdig_py.ui.cli.main import main

    for number, path in ((1, out), (2, err)):
        with open(path, "wb") as file:  # noqa: PTH123 - a descriptor is what is wanted
            os.dup2(file.fileno(), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    time.tzset()
    os.chdir(folder)
    code = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    # multiprocessing loses exit codes when several threads wait for its processes
    Path(out).with_name("code").write_text(str(code))
    os._exit(code)


@functools.cache
def _server() -> multiprocessing.context.ForkServerContext:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["sysdig_py.ui.cli.main", "tests.oracle.tools", "lupa.luajit21"])
    return server


def sysdig_py(words: tuple[str, ...]) -> Done:
    """Run the program under test."""
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        out, err, code = Path(folder, "out"), Path(folder, "err"), Path(folder, "code")
        process = _server().Process(target=_become, args=(words, _folder(), str(out), str(err)))
        process.start()
        process.join(_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"sysdig-py {' '.join(words)} did not end")
        ended = int(code.read_text()) if code.exists() else process.exitcode
        return Done(out.read_bytes(), err.read_bytes(), ended)


class Runs:
    """Runs of both tools, made in the background, kept for whoever asks."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max(2, os.cpu_count() or 2))
        self._runs: dict[tuple[str, ...], tuple[Future[Done], Future[Done]]] = {}

    def plan(self, many: Iterable[tuple[str, ...]]) -> None:
        """Begin runs that will be asked for."""
        for words in many:
            if words not in self._runs:
                self._runs[words] = (self._pool.submit(sysdig, words), self._pool.submit(sysdig_py, words))

    def both(self, words: tuple[str, ...]) -> tuple[Done, Done]:
        """Return how the oracle and the program end with these words."""
        self.plan([words])
        theirs, ours = self._runs[words]
        return theirs.result(), ours.result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        with contextlib.suppress(OSError):
            shutil.rmtree(_folder())
