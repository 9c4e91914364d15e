from pathlib import Path

import pytest

from sysdig_py.chisel.describe import Argument, Describer, Description
from sysdig_py.chisel.registry import Registry
from sysdig_py.errors import UsageError

WHOLE = """
description, short_description, category, hidden = "long", "short", "Net", false
args = { { name = "key", description = "what", argtype = "string" }, { name = "n", optional = true } }
function on_init() return true end
"""


def described(folder: Path, text: str) -> Description:
    (folder / "probe.lua").write_text(text)
    return Describer(Registry({"SYSDIG_CHISEL_DIR": str(folder)})).find("probe")


def test_whole_description(tmp_path: Path) -> None:
    chisel = described(tmp_path, WHOLE)
    assert (chisel.name, chisel.description, chisel.short_description, chisel.category) == (
        "probe",
        "long",
        "short",
        "Net",
    )
    assert chisel.args == (Argument("key", "string", "what", False), Argument("n", "", "", True))
    assert chisel.is_listed


@pytest.mark.parametrize(
    "text",
    [
        'description = "d"\nargs = {}\nhidden = true',
        "args = {}",
        'description = "d"',
        'description = "d"\nargs = {}\nview_info = {}',
    ],
)
def test_what_is_not_listed(tmp_path: Path, text: str) -> None:
    assert not described(tmp_path, text).is_listed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("args = {} sysdig.is_live()", r"sysdig\.is_live\(\) was called outside of a callback"),
        ("x = = 1", "unexpected symbol"),
        ("args = { { name = 5 } }", "name of an argument is not a string"),
        ("args = { 7 }", "an entry of args is not a table"),
        ("while true do end", "does not come to an end"),
        ("while true do pcall(string.rep, 'x', 3) end", "does not come to an end"),
        ("require 'nowhere_to_be_found'", "module 'nowhere_to_be_found' not found"),
        ("os.exit(3)", "os.exit was called"),
    ],
)
def test_what_cannot_be_described(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=rf"Failed to load chisel probe: .*{message}"):
        described(tmp_path, text)


def test_modules_next_to_the_chisel_are_found(tmp_path: Path) -> None:
    (tmp_path / "words.lua").write_text('return { text = "from a module" }')
    assert described(tmp_path, 'args = {}\ndescription = require("words").text').description == "from a module"


def test_all_leaves_out_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "broken.lua").write_text("x = = 1")
    names = {chisel.name for chisel in Describer(Registry({"SYSDIG_CHISEL_DIR": str(tmp_path)})).all()}
    assert "broken" not in names
    assert "flows" in names
