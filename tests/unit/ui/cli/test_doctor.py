"""Doctor: every check finds what is there, names what is not and says what mends it."""

import errno
import http.server
import io
import json
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from sysdig_py.capture import extras, headers
from sysdig_py.capture.features import OPTIONAL_TRACEPOINTS, REQUIRED_TRACEPOINTS, RING_TRACEPOINTS
from sysdig_py.capture.rights import Capability
from sysdig_py.errors import EnvironmentLack
from sysdig_py.ui.cli import doctor
from sysdig_py.ui.cli.doctor import Finding

ENUMERATORS = ("BPF_MAP_TYPE_RINGBUF", "BPF_ENABLE_STATS", "BPF_FUNC_get_current_task_btf", "BPF_FUNC_task_pt_regs")


def _run(monkeypatch, **checks):
    monkeypatch.setattr(doctor, "CHECKS", {name.replace("_", " "): check for name, check in checks.items()})
    out = io.StringIO()
    return doctor.run_doctor(out), out.getvalue().splitlines()


def test_all_well_exits_0(monkeypatch):
    code, lines = _run(
        monkeypatch, first=lambda: Finding("ok", "here"), second=lambda: Finding("warn", "so so", "do it")
    )
    assert code == 0
    assert lines == [
        "ok       first              here",
        "warn     second             so so  -> do it",
        "live capture can work",
    ]


def test_anything_missing_exits_4_and_is_named(monkeypatch):
    code, lines = _run(monkeypatch, a=lambda: Finding("missing", "gone", "get it"), b=lambda: Finding("ok", "there"))
    assert code == 4
    assert lines[0] == "missing  a                  gone  -> get it"
    assert lines[-1] == "live capture cannot work: a"


def _fail(error):
    def check(*_):
        raise error

    return check


def test_failing_check_is_a_finding_and_the_others_still_run(monkeypatch):
    code, lines = _run(
        monkeypatch,
        a=_fail(EnvironmentLack("no hierarchy")),
        container_engines=_fail(PermissionError("closed")),
        b=lambda: Finding("ok", "there"),
    )
    assert code == 4
    assert [line.split()[0] for line in lines[:3]] == ["missing", "warn", "ok"]
    assert "no hierarchy" in lines[0]


def test_all_checks_run_here():
    out = io.StringIO()
    code = doctor.run_doctor(out)
    lines = out.getvalue().splitlines()
    assert len(lines) == len(doctor.CHECKS) + 1
    assert code == (4 if any(line.startswith("missing") for line in lines) else 0)


def test_unknown_machine_is_missing(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "s390x")
    code, lines = _run(monkeypatch, kernel=doctor.check_kernel)
    assert code == 4
    assert "s390x" in lines[0]


@pytest.mark.parametrize(
    ("held", "status"),
    [
        ((), "missing"),
        ((Capability.BPF,), "missing"),
        ((Capability.BPF, Capability.PERFMON), "warn"),
        ((Capability.SYS_ADMIN, Capability.SYS_PTRACE, Capability.DAC_READ_SEARCH), "ok"),
    ],
)
def test_rights_follow_the_capabilities(monkeypatch, held, status):
    monkeypatch.setattr("sysdig_py.capture.rights.effective", lambda: sum(1 << capability for capability in held))
    assert doctor.check_rights().status == status


def test_refused_bpf_is_missing_with_the_reason(monkeypatch):
    monkeypatch.setattr(doctor, "trial", lambda: "the kernel refused to attach a program: Operation not permitted")
    finding = doctor.check_bpf()
    assert (finding.status, "Operation not permitted" in finding.found) == ("missing", True)
    assert finding.remedy


def _bcc(monkeypatch, folder, *files):
    package = Path(folder) / "bcc"
    package.mkdir()
    for name, text in {"__init__.py": "", **dict(files)}.items():
        (package / name).write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    # a module that is loaded is found before any on the path, and other tests load bcc
    monkeypatch.delitem(sys.modules, "bcc", raising=False)
    return doctor.check_bcc()


def test_a_kernel_without_statistics_can_be_captured_but_not_capped(monkeypatch):
    def refuse():
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(doctor.bpf, "enable_stats", refuse)
    finding = doctor.check_statistics()
    assert (finding.status, "--max-overhead" in finding.found, "CAP_SYS_ADMIN" in finding.remedy) == (
        "warn",
        True,
        True,
    )
    monkeypatch.setattr(doctor.bpf, "enable_stats", lambda: os.open(os.devnull, os.O_RDONLY))
    assert doctor.check_statistics().status == "ok"


def test_without_tracepoints_of_single_calls_every_run_costs_more(monkeypatch):
    fd = os.open(os.devnull, os.O_RDONLY)
    monkeypatch.setattr(doctor.single_calls, "open_entries", lambda calls: [fd] if calls == ("close",) else [])
    assert doctor.check_single_calls().status == "ok"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    monkeypatch.setattr(doctor.single_calls, "open_entries", _fail(FileNotFoundError(errno.ENOENT, "no")))
    finding = doctor.check_single_calls()
    assert finding.status == "warn"
    assert "measured in every run" in finding.found and "CONFIG_FTRACE_SYSCALLS" in finding.remedy


def test_binding_of_bcc_is_known_by_its_library_module(monkeypatch, tmp_path):
    finding = _bcc(monkeypatch, tmp_path, ("libbcc.py", ""), ("version.py", "__version__ = '0.99.1'\n"))
    assert (finding.status, finding.found.split()[0]) == ("ok", "0.99.1")


def test_unrelated_project_named_bcc_is_told_apart(monkeypatch, tmp_path):
    finding = _bcc(monkeypatch, tmp_path)
    assert finding.status == "missing"
    assert "unrelated" in finding.found
    assert "pip uninstall bcc" in finding.remedy
    assert "python3-bpfcc" in finding.remedy


def test_absent_bcc_names_the_package(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("glob.glob", lambda pattern: [])
    assert doctor.check_bcc() == Finding(
        "missing", "bcc's Python binding is not installed", "apt-get install python3-bpfcc"
    )


def test_bcc_of_another_python_is_told_apart(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("glob.glob", lambda pattern: [pattern])
    finding = doctor.check_bcc()
    assert finding.status == "missing"
    assert "--system-site-packages" in finding.remedy


def _bpftool(monkeypatch, tmp_path, script):
    tool = tmp_path / "bpftool"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setattr(doctor, "_PATH", str(tmp_path))
    return doctor.check_bpftool()


def test_working_bpftool_shows_its_version(monkeypatch, tmp_path):
    finding = _bpftool(monkeypatch, tmp_path, "echo bpftool v9.8.7; echo using libbpf")
    assert (finding.status, finding.found) == ("ok", f"bpftool v9.8.7 ({tmp_path}/bpftool)")


def test_wrapper_without_the_tool_is_missing(monkeypatch, tmp_path):
    finding = _bpftool(monkeypatch, tmp_path, "echo 'WARNING: bpftool not found for kernel' >&2; exit 2")
    assert finding.status == "missing"
    assert "not found for kernel" in finding.found


def test_absent_bpftool_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_PATH", str(tmp_path))
    monkeypatch.setattr(doctor, "BTF", tmp_path)
    assert doctor.check_bpftool().status == "warn"
    monkeypatch.setattr(doctor, "BTF", Path(__file__))
    assert doctor.check_bpftool().status == "missing"


def test_types_come_from_btf_else_headers_else_nowhere(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "BTF", tmp_path / "vmlinux")
    monkeypatch.setattr("platform.release", lambda: "0.0-none")
    assert doctor.check_types().status == "missing"
    (tmp_path / "vmlinux").write_bytes(b"x")
    assert doctor.check_types().status == "ok"


@pytest.mark.parametrize(
    ("lacking", "status"),
    [("", "ok"), ("sys_exit", "missing"), ("cgroup_mkdir", "warn"), ("io_uring_complete", "warn")],
)
def test_features_are_looked_up_in_the_types_and_what_lacks_has_its_consequence(monkeypatch, tmp_path, lacking, status):
    names = (*REQUIRED_TRACEPOINTS, *OPTIONAL_TRACEPOINTS, *RING_TRACEPOINTS, *extras.TRACEPOINTS)
    text = "".join(f"typedef void (*btf_trace_{name})(void *, int);\n" for name in names if name != lacking)
    text += "typedef void (*btf_trace_io_uring_submit_req)(void *, struct io_kiocb *);\n"
    text += "".join(f"\t{name} = 1,\n" for name in ENUMERATORS)
    monkeypatch.setattr(headers, "dump_btf", lambda: text)
    (tmp_path / "vmlinux").write_bytes(b"\0bpf_rdonly_cast\0")
    monkeypatch.setattr(headers, "BTF", tmp_path / "vmlinux")
    finding = doctor.check_features()
    assert finding.status == status
    assert lacking in finding.found
    assert status != "warn" or ": " in finding.found


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"Version": "42.0"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "unix"

    def log_message(self, *arguments):
        pass


@pytest.fixture
def sockets(monkeypatch):
    """A folder for engine sockets, short enough for the 108 bytes a socket's path may have."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(doctor, "DOCKER_SOCKETS", (f"{folder}/docker*.sock",))
        monkeypatch.setattr(doctor, "PODMAN_SOCKETS", ())
        monkeypatch.setattr(doctor, "OTHER_SOCKETS", {"containerd": f"{folder}/containerd.sock"})
        yield Path(folder)


def test_engine_that_answers_shows_its_version(sockets):
    with socketserver.UnixStreamServer(str(sockets / "docker.sock"), _Answer) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        finding = doctor.check_engines()
        thread.join()
    assert finding == Finding("ok", f"docker 42.0 ({sockets}/docker.sock)")


def test_deaf_sockets_are_a_warning(sockets):
    for name in ("docker.sock", "containerd.sock"):
        (sockets / name).touch()
    finding = doctor.check_engines()
    assert finding.status == "warn"
    assert finding.found.count("does not answer") == 2


def test_no_engine_is_fine(sockets):
    assert doctor.check_engines().status == "ok"


def test_absent_package_is_missing(monkeypatch):
    def version(name):
        raise doctor.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    assert doctor.check_packages() == Finding("missing", "msgpack, zstandard", "pip install msgpack zstandard")


def test_luajit_without_its_compiler_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor, "luajit_version", lambda: ("LuaJIT 2.1", False))
    assert doctor.check_luajit().status == "warn"


@pytest.mark.parametrize(
    ("release", "limit", "uid", "status"),
    [
        ("5.10.0", 65536, 1000, "warn"),
        ("5.10.0", 65536, 0, "ok"),
        ("5.10.0", -1, 1000, "ok"),
        ("6.1.0-13-amd64", 65536, 1000, "ok"),
    ],
)
def test_locked_memory_matters_to_old_kernels(monkeypatch, release, limit, uid, status):
    monkeypatch.setattr("platform.release", lambda: release)
    monkeypatch.setattr("resource.getrlimit", lambda _: (limit, limit))
    monkeypatch.setattr("os.geteuid", lambda: uid)
    assert doctor.check_locked_memory().status == status


def test_ring_grows_with_the_machine(monkeypatch):
    monkeypatch.setattr(doctor, "machine_info", lambda: {"memory_size_bytes": 64 << 30, "num_cpus": 4})
    assert doctor.check_ring() == Finding("ok", "64 MiB for 4 processors")


@pytest.mark.kernel
def test_other_pid_namespace_is_a_warning():
    assert doctor.check_namespace().status == "ok"
    script = "from sysdig_py.ui.cli.doctor import check_namespace; print(check_namespace().status)"
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", script]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "warn\n"
