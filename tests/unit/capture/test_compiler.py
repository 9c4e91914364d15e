import ctypes
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


def test_pointers_to_the_compiler_are_passed_whole():
    class Function:
        argtypes = None

    library = types.SimpleNamespace(
        bpf_num_tables=Function(),
        **{f"bpf_table_{what}": Function() for what in ("name", "key_size_id", "leaf_size_id", "fd_id")},
    )
    compiler._declare(library)
    assert all(function.argtypes[0] is ctypes.c_void_p for function in vars(library).values())
