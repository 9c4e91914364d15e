"""What is shipped: a wheel built without a network holds all the program needs, and runs on its own."""

import re
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from tests.source_tree import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both archives with the installed backend."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


def _shipped(folder: str, *suffixes: str) -> set[str]:
    return {p.relative_to(ROOT).as_posix() for p in (ROOT / folder).rglob("*") if p.suffix in suffixes}


def test_wheel_holds_code_and_data(wheel: Path) -> None:
    expected = _shipped("sysdig_py", ".py", ".lua", ".json")
    expected |= {f"sysdig_py/{name}" for name in _shipped("probe", ".c", ".h") | _shipped("chisels", ".lua")}
    names = set(zipfile.ZipFile(wheel).namelist())
    assert expected <= names
    assert {name.split("/")[0] for name in names} == {"sysdig_py", wheel.name.split("-py3")[0] + ".dist-info"}


def test_wheel_ships_probe_and_chisels(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for pattern in (r"sysdig_py/probe/\w+\.c", r"sysdig_py/chisels/\w+\.lua", r"sysdig_py/engine/lua/\w+\.lua"):
        assert any(re.fullmatch(pattern, name) for name in names), pattern


def test_no_dependency_is_the_unrelated_bcc(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    requirements = HeaderParser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist") or []
    names = {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in requirements}
    assert "lupa" in names
    assert not {"bcc", "bpfcc", "python3-bpfcc"} & names


def test_source_archive_can_build_the_wheel(built: Path, wheel: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xzf", str(next(built.glob("*.tar.gz"))), "-C", str(tmp_path)], check=True)
    source = next(tmp_path.iterdir())
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "again")]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    again = next((tmp_path / "again").glob("*.whl"))
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_unpacked_wheel_runs_on_its_own(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = "import sysdig_py.locations as l; print(l.PROBE, l.CHISELS, l.LUA)"
    places = _run(tmp_path, "-c", script).split()
    assert places == [str(tmp_path / "sysdig_py" / name) for name in ("probe", "chisels", "engine/lua")]
    assert "usage: sysdig-py" in _run(tmp_path, "-m", "sysdig_py", "--help")


def _run(folder: Path, *arguments: str) -> str:
    # the unpacked copy comes before the checkout that the environment knows
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/usr/sbin"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_entry_point_is_the_command_line(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    entry_points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "sysdig-py = sysdig_py.ui.cli.main:program" in archive.read(entry_points).decode()
