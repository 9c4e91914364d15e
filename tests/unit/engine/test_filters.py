import sys

import pytest

from sysdig_py import cachefile
from sysdig_py import filter as event_filter
from sysdig_py.engine import filters
from sysdig_py.engine.filters import lua_source
from sysdig_py.errors import FilterError

TEXTS = ["evt.type=open and fd.name contains lib", "proc.name=\u00fc", "proc.name=\udcff", "not fd.num in (1, 2)"]


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(cachefile.locations, "cache", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setitem(sys.modules, "sysdig_py.filter", None)
    monkeypatch.delattr("sysdig_py.filter")


@pytest.fixture
def known():
    return {text: lua_source(text) for text in TEXTS}


def test_a_filter_that_is_new_is_compiled(known):
    assert known == {text: event_filter.compile(text).lua_source for text in TEXTS}


def test_a_filter_that_is_known_is_not(known, no_compiler):
    assert {text: lua_source(text) for text in TEXTS} == known
    with pytest.raises(ImportError):
        lua_source("proc.name=other")


def test_a_damaged_file_is_not_believed(known, folder):
    files = sorted(folder.iterdir())
    assert len(files) == len(TEXTS)
    for path in files:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert {text: lua_source(text) for text in TEXTS} == known


def test_another_compiler_compiles_anew(known, folder, monkeypatch):
    monkeypatch.setattr(filters, "_compiler", lambda: "a later one")
    lua_source(TEXTS[0])
    assert len(list(folder.iterdir())) == len(TEXTS) + 1


def test_the_compiler_is_all_that_a_source_depends_on():
    files = filters._compiler()
    assert all(name in files for name in ("filter/emit.py", "schema/fields.py", "schema/data/fields.json"))
    assert "__pycache__" not in files


def test_what_is_wrong_is_said_each_time(folder):
    for _ in range(2):
        with pytest.raises(FilterError, match="position 0"):
            lua_source("no.such=1")
    assert not list(folder.iterdir())
