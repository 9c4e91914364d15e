"""Filtered copies of a real trace: sysdig prints of them what this tool prints of the original with the filter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.compare import differing, report
from tests.oracle.tools import Done, sysdig, sysdig_py, traces
from tests.unit.engine.test_telling import _content

pytestmark = pytest.mark.slow

FIELDS = (
    "*%evt.rawtime %evt.type %evt.dir %evt.args %proc.name %proc.pid %proc.args %proc.exepath %fd.num %fd.name %fd.type"
    " %container.id %container.name %container.image %user.name %evt.latency"
)
FILTERS = ("container.id!=host", "evt.type in (clone,execve,open,close)", "proc.name=ls", "evt.type=read and evt.dir=<")
# processes of the host, which ran all the time
OTHERS = (b"emacs", b"screen", b"/usr/sbin/sshd", b"accounts-daemon", b"SSH_CLIENT", b"/dev/ptmx")


@pytest.fixture
def source(real_traces: None) -> Path:
    return next(path for path in traces() if path.name.startswith("container"))


def _copy(source: Path, target: Path, *words: str) -> Path:
    done = sysdig_py(("-r", str(source), "-w", str(target), *words))
    assert (done.code, done.err) == (0, b"")
    return target


def _same(words: tuple[str, ...], theirs: Done, ours: Done) -> None:
    assert (theirs.code, ours.code) == (0, 0), (theirs.err, ours.err)
    assert ours.out
    lines = differing(theirs.out, ours.out)
    if lines:
        pytest.fail(report(words, lines, ours.err), pytrace=False)


@pytest.mark.parametrize("words", FILTERS)
def test_sysdig_prints_what_the_filter_showed(source: Path, tmp_path: Path, words: str) -> None:
    copy = _copy(source, tmp_path / "copy.scap", words)
    shown = sysdig_py(("-r", str(source), "-p", FIELDS, words))
    _same((words,), sysdig(("-r", str(copy), "-p", FIELDS)), shown)


@pytest.mark.parametrize("words", [*FILTERS, "evt.type=write and evt.dir=<", "fd.name contains docker"])
def test_the_native_copy_gives_the_same_with_event_numbers(source: Path, tmp_path: Path, words: str) -> None:
    copy = _copy(source, tmp_path / "copy.spy", words)
    fields = f"{FIELDS} %evt.num %proc.pname %proc.env %evt.reltime"
    _same((words,), sysdig_py(("-r", str(copy), "-p", fields)), sysdig_py(("-r", str(source), "-p", fields, words)))


@pytest.mark.parametrize("name", ["copy.spy", "copy.scap"])
def test_nothing_of_the_host_is_in_the_copy_of_a_container(source: Path, tmp_path: Path, name: str) -> None:
    content = _content(_copy(source, tmp_path / name, "container.id!=host"))
    assert b"hopeful_taussig" in content
    everything = _content(_copy(source, tmp_path / f"all-{name}"))
    assert all(other in everything for other in OTHERS)
    assert [other for other in OTHERS if other in content] == []
