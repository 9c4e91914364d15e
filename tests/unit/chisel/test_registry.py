from pathlib import Path

import pytest

from sysdig_py import locations
from sysdig_py.chisel.registry import INSTALLED_SYSDIG, Registry
from sysdig_py.errors import UsageError


def test_search_order(tmp_path: Path) -> None:
    (tmp_path / ".chisels").mkdir()
    registry = Registry({"SYSDIG_CHISEL_DIR": "/a;/b/", "HOME": str(tmp_path)})
    shipped = f"{locations.CHISELS}/"
    assert registry.dirs == ["/b/", "/a/", "", "./chisels/", f"{tmp_path}/.chisels/", shipped, INSTALLED_SYSDIG]
    assert "" not in registry.module_dirs


def test_home_without_chisels_is_left_out(tmp_path: Path) -> None:
    assert not any(".chisels" in d for d in Registry({"HOME": str(tmp_path)}).dirs)


def test_name_with_suffix_wins_over_bare_name(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    (first / "mine").write_text("-- bare")
    (second / "mine.lua").write_text("-- suffixed")
    registry = Registry({"SYSDIG_CHISEL_DIR": f"{second};{first}", "HOME": str(tmp_path)})
    assert registry.find("mine").source == b"-- suffixed"
    (second / "mine.lua").unlink()
    assert registry.find("mine").source == b"-- bare"


def test_path_as_given(tmp_path: Path) -> None:
    (tmp_path / "own.lua").write_text("-- own")
    script = Registry({}).find(str(tmp_path / "own"))
    assert (script.name, script.path) == ("own", str(tmp_path / "own.lua"))


def test_earlier_folder_hides_later_one(tmp_path: Path) -> None:
    (tmp_path / "flows.lua").write_text("-- mine")
    registry = Registry({"SYSDIG_CHISEL_DIR": str(tmp_path)})
    assert [s.source for s in registry.all() if s.name == "flows"] == [b"-- mine"]


def test_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"chisel topprocs_nett not found - did you mean topprocs_net\?"):
        Registry({}).find("topprocs_nett")
    with pytest.raises(UsageError, match="use -cl to list them"):
        Registry({}).find("qqqqqqqq")
    with pytest.raises(UsageError, match="not found"):
        Registry({}).find("")
