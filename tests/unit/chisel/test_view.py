"""Views: read, completed, checked; those of an installed sysdig among them."""

import json
from pathlib import Path

import pytest

from sysdig_py.chisel.describe import Describer
from sysdig_py.chisel.registry import INSTALLED_SYSDIG, Registry
from sysdig_py.chisel.view import View
from sysdig_py.errors import UsageError
from sysdig_py.ui.cli.main import main
from tests.source_tree import ROOT

SPEC = ROOT.parent / "shared" / "spec" / "views.json"
INSTALLED = sorted(Path(INSTALLED_SYSDIG).glob("v_*.lua"))
SMALL = """view_info = {
    id = "files", name = "Files", description = "Files in use.", tips = { "Look here." },
    applies_to = { "", "proc.pid" }, filter = "fd.type=file and proc.nchilds>%depth-1", columns = {
        { name = "NA", field = "fd.name", is_key = true },
        { name = "BYTES", field = "evt.buflen", aggregation = "SUM", is_sorting = true, colsize = 9 },
        { name = "CONT", field = "container.name", tags = { "containers" } },
    },
    actions = { { hotkey = "c", command = "cat %fd.name", description = "show it" } },
}"""


def view(folder: Path, text: str) -> View:
    (folder / "v_probe.lua").write_text(text)
    registry = Registry({"SYSDIG_CHISEL_DIR": str(folder)})
    return Describer(registry).view(registry.find("v_probe"))


def test_a_view_is_complete_with_its_defaults(tmp_path: Path) -> None:
    found = view(tmp_path, SMALL)
    assert (found.view_type, found.propagate_filter, found.is_root, found.spectro_type) == ("table", True, False, "")
    assert [c.field for c in found.keys] == ["fd.name"]
    assert (found.sorting_column, found.columns[1].colsize, found.columns[0].colsize) == (1, 9, None)
    assert [c.name for c in found.columns_for("default")] == ["NA", "BYTES"]
    assert [c.name for c in found.columns_for("containers")] == ["NA", "BYTES", "CONT"]
    assert found.filter_at(3) == "fd.type=file and proc.nchilds>2"
    assert (found.actions[0].wait_finish, found.actions[0].ask_confirmation) == (True, False)
    assert found.problems() == []


def test_what_cannot_be_shown_is_told(tmp_path: Path) -> None:
    text = SMALL.replace("evt.buflen", "evt.buflne").replace("fd.type=file", "fd.tpye=file")
    first, second = view(tmp_path, text).problems()
    assert first == "unknown field evt.buflne"
    assert "unrecognized field fd.tpye" in second


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (('"SUM"', "5"), "aggregation is a number"),
        (('"SUM"', '"MEDIAN"'), "unknown aggregation MEDIAN"),
        (("is_key = true", "is_sorting = true, is_key = true"), "more than one sorting column"),
        (("is_key = true", "is_key = false"), "a table needs a key column"),
        (('id = "files"', 'view_type = "list", id = "files"'), "a list has no key columns"),
        (('id = "files"', 'view_type = "pie", id = "files"'), "unknown view_type pie"),
        (('id = "files",', ""), "needs an id"),
        (('hotkey = "c"', 'hotkey = "ctrl"'), "a hotkey is one character"),
        (('{ "", "proc.pid" }', "{ 5 }"), "not text"),
        (("view_info", "view"), "no view_info"),
        (("view_info = ", "while true do end view_info = "), "does not come to an end"),
        (
            ("view_info = ", "view_info = setmetatable({}, { __index = function() while true do end end }) x = "),
            "an id",
        ),
    ],
)
def test_a_view_that_makes_no_sense_is_refused(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        view(tmp_path, SMALL.replace(*change))


def test_i_describes_a_view_and_c_refuses_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "v_probe.lua").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    for name in ("./v_probe", f"{tmp_path}/v_probe.lua"):
        assert main(["-i", name]) == 0
        shown = capsys.readouterr().out
        assert "View: Files (files)" in shown
        assert "SUM of evt.buflen" in shown
        assert "show it: cat %fd.name" in shown
    assert main(["-c", "./v_probe"]) == 2
    assert "is a view" in capsys.readouterr().err


needs_sysdig = pytest.mark.skipif(not INSTALLED, reason=f"no views in {INSTALLED_SYSDIG} (package sysdig)")


@needs_sysdig
def test_every_view_of_sysdig_can_be_shown() -> None:
    views = {found.id: found for found in Describer(Registry({})).views()}
    assert len(views) == 43
    assert {name: found.problems() for name, found in views.items() if found.problems()} == {}


@needs_sysdig
@pytest.mark.skipif(not SPEC.exists(), reason=f"{SPEC} is not there")
def test_views_say_what_sysdig_reads_in_them() -> None:
    views = {found.id: found for found in Describer(Registry({})).views()}
    for facts in json.loads(SPEC.read_text())["views"]:
        found = views[facts["id"]]
        columns = facts.pop("columns", [])
        facts.pop("_file")
        actions = facts.pop("actions", [])
        assert _same(found, facts)
        assert all(_same(c, told) for c, told in zip(found.columns, columns, strict=True))
        assert all(_same(a, told) for a, told in zip(found.actions, actions, strict=True))


def _same(found: tuple[object, ...], told: dict[str, object]) -> bool:
    return all(
        getattr(found, key) == (tuple(value) if isinstance(value, list) else value) for key, value in told.items()
    )
