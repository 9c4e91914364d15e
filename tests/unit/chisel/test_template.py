"""The starting point of `chisel new`: it is written once, and it runs."""

from pathlib import Path

import pytest

from sysdig_py.chisel.registry import Registry
from sysdig_py.chisel.template import create
from sysdig_py.errors import UsageError
from tests.synthetic import Stream
from tests.unit.chisel.running import play


def test_a_name_goes_into_the_chisels_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert create("opens") == Path("chisels/opens.lua")
    assert "sysdig-py -c opens 10" in Path("chisels/opens.lua").read_text()


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    assert create(f"{tmp_path}/new/mine.lua") == tmp_path / "new" / "mine.lua"
    assert "-c mine 10" in (tmp_path / "new" / "mine.lua").read_text()


def test_what_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "mine.lua"
    path.write_text("precious")
    with pytest.raises(UsageError, match="there already"):
        create(str(path))
    assert path.read_text() == "precious"


@pytest.mark.parametrize("name", ["", "x/y.txt", "/proc/none/x.lua"])
def test_where_nothing_can_be_written(name: str) -> None:
    with pytest.raises(UsageError):
        create(name)


def test_it_runs_as_it_is(tmp_path: Path) -> None:
    create(str(tmp_path / "opens.lua"))
    stream = Stream()
    stream.thread(1, comm="cat").thread(2, comm="ls")
    for tid in (1, 1, 2):
        stream.event("SYSCALL_OPENAT_2_X", tid, fd=3, dirfd=-100, name="/etc/motd", flags=1, mode=0, dev=0, ino=0)
    registry = Registry({"SYSDIG_CHISEL_DIR": str(tmp_path)})
    played = play([("opens", None)], stream.take(), registry=registry)
    assert (played.failures, played.output) == ([], "2    cat\n1    ls\n")
