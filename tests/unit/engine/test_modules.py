import pytest

from sysdig_py.engine import modules
from sysdig_py.engine.vm import EngineFault, Runtime


@pytest.fixture
def lua(monkeypatch, tmp_path):
    """A folder of Lua modules, and a cache of its own."""
    monkeypatch.setattr(modules.cachefile.locations, "cache", lambda: tmp_path)
    monkeypatch.setattr(modules.locations, "LUA", tmp_path / "lua")
    (tmp_path / "lua" / "inner").mkdir(parents=True)
    (tmp_path / "lua" / "one.lua").write_text("return { value = 1, name = ... }")
    (tmp_path / "lua" / "inner" / "two.lua").write_text(
        "local one = require('one')\nreturn { f = function() return one.x.y end }"
    )
    return tmp_path


def _bytecode(folder):
    return sorted(path.name for path in folder.glob("lua-*.bytecode"))


def test_modules_are_found_by_name_and_told_it(lua):
    one = Runtime().require("one")
    assert (one[b"value"], one[b"name"]) == (1, b"one")


def test_nothing_else_is_found(lua):
    with pytest.raises(EngineFault, match="module 'three' not found"):
        Runtime().require("three")


def test_errors_name_file_and_line(lua):
    with pytest.raises(EngineFault, match=r"lua/inner/two\.lua:2: attempt to index field 'x'"):
        runtime = Runtime()
        runtime._run(runtime.require("inner.two")[b"f"])


def test_bytecode_is_kept_and_used(lua):
    Runtime()
    assert len(_bytecode(lua)) == 1
    (lua / "lua" / "one.lua").chmod(0o600)
    compiled = []
    modules_source, modules._source = modules._source, compiled.append
    try:
        assert Runtime().require("one")[b"value"] == 1
    finally:
        modules._source = modules_source
    assert not compiled


def test_a_changed_module_is_compiled_anew(lua):
    Runtime()
    (lua / "lua" / "one.lua").write_text("return { value = 22 }")
    assert Runtime().require("one")[b"value"] == 22
    assert len(_bytecode(lua)) == 2
