"""The trial says what the kernel says, and leaves nothing behind."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from sysdig_py.ui.cli import bpf_trial


def test_unknown_machine_is_named(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "vax")
    assert "vax" in bpf_trial.trial()


def test_first_refusal_is_reported(monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(bpf_trial.bpf, "create_map", refuse)
    assert bpf_trial.trial() == "the kernel refused to make a ring buffer: Operation not permitted"


@pytest.mark.kernel
def test_kernel_attaches_a_program_and_keeps_no_descriptor():
    before = sorted(Path("/proc/self/fd").iterdir())
    assert bpf_trial.trial() == ""
    assert sorted(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.kernel
def test_unknown_tracepoint_is_refused():
    assert bpf_trial.trial("no_such_tracepoint").startswith("the kernel refused to attach a program")


@pytest.mark.kernel
def test_user_without_capabilities_is_refused():
    if int(Path("/proc/sys/kernel/unprivileged_bpf_disabled").read_text()) == 0:
        pytest.skip("this kernel lets everyone use bpf")
    script = "from sysdig_py.ui.cli.bpf_trial import trial; print(trial())"
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--reuid=0", sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Operation not permitted" in done.stdout
