import pytest

from sysdig_py.capture import headers
from sysdig_py.errors import EnvironmentLack

NOTE = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0" + bytes(range(20))
OTHER = b"\x06\0\0\0\x04\0\0\0\0\0\0\0Linux\0\0\0abcd"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    btf = tmp_path / "btf"
    btf.touch()
    monkeypatch.setattr(headers, "BTF", btf)
    calls = []
    monkeypatch.setattr(headers, "_run_bpftool", lambda: calls.append(1) or "typedef unsigned int u32;\n")
    return calls


def test_build_id_is_found_behind_other_notes():
    assert headers.parse_build_id(OTHER + NOTE) == bytes(range(20)).hex()
    assert headers.parse_build_id(OTHER) == ""
    assert headers.parse_build_id(b"short") == ""


def test_build_id_of_this_kernel_is_hex():
    assert len(bytes.fromhex(headers.build_id())) == 20


def test_the_tree_has_what_bcc_includes(cache):
    root = headers.prepare(frozenset({"whatever"}))
    assert (root / "include/linux/types.h").read_text() == ""
    assert (root / "include/uapi/linux/ptrace.h").is_file()
    kconfig = (root / "include/linux/kconfig.h").read_text()
    assert '#include "vmlinux.h"' in kconfig
    assert "#define CONFIG_BPF_SYSCALL 1" in kconfig
    assert "typedef unsigned int u32;" in (root / "include/vmlinux.h").read_text()


def test_types_are_dumped_once_and_a_tree_is_made_once_per_set_of_names(cache):
    first = headers.prepare(frozenset({"a"}))
    stamp = (first / "include/vmlinux.h").stat().st_mtime_ns
    assert headers.prepare(frozenset({"a"})) == first
    assert (first / "include/vmlinux.h").stat().st_mtime_ns == stamp
    assert headers.prepare(frozenset({"b"})) != first
    assert len(cache) == 1


def test_a_kernel_without_type_information_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(headers, "BTF", tmp_path / "missing")
    with pytest.raises(EnvironmentLack, match="CONFIG_DEBUG_INFO_BTF"):
        headers.dump_btf()


def test_missing_bpftool_is_named(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_args, **_options: None)
    with pytest.raises(EnvironmentLack, match="install the package bpftool"):
        headers._run_bpftool()


def test_helpers_that_the_kernel_lacks_may_be_named():
    dump = "enum bpf_func_id {\n\tBPF_FUNC_unspec = 0,\n\tBPF_FUNC_map_lookup_elem = 1,\n};\n"
    assert headers.missing_helpers(dump, frozenset({"BPF_FUNC_map_lookup_elem"})) == ""
    made = headers.missing_helpers(dump, frozenset({"BPF_FUNC_map_lookup_elem", "BPF_FUNC_newer"}))
    assert made == "enum { BPF_FUNC_newer = 2147483647 };\n"
