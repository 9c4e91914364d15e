import os
import sys
import types

import pytest

from sysdig_py.capture import compiler
from sysdig_py.errors import EnvironmentLack


def test_missing_bcc_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "bcc", None)
    with pytest.raises(EnvironmentLack, match="python3-bpfcc"):
        compiler._import_bcc()


def test_the_unrelated_project_of_the_same_name_is_told(monkeypatch):
    other = types.ModuleType("bcc")
    other.__file__ = "/somewhere/bcc/__init__.py"
    monkeypatch.setitem(sys.modules, "bcc", other)
    with pytest.raises(EnvironmentLack, match="unrelated"):
        compiler._import_bcc()


def test_compiler_messages_are_kept_for_a_failure(monkeypatch, tmp_path):
    monkeypatch.setattr(compiler.locations, "cache", lambda: tmp_path)
    with pytest.raises(EnvironmentLack, match=r"base\.c:3: error: no such thing"), compiler.compiler_messages():
        os.write(2, b"warning: bla\nbase.c:3: error: no such thing\n")
        raise RuntimeError("failed")
    assert "warning: bla" in (tmp_path / "probe-failure.log").read_text()
