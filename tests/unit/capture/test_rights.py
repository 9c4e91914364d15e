import os

import pytest

from sysdig_py.capture import rights
from sysdig_py.capture.rights import Capability
from sysdig_py.errors import RightsError


@pytest.mark.parametrize("held", [[Capability.SYS_ADMIN], [Capability.BPF, Capability.PERFMON]])
def test_root_or_the_two_capabilities_suffice(monkeypatch, held):
    monkeypatch.setattr(rights, "effective", lambda: sum(1 << capability for capability in held))
    rights.require_bpf()


@pytest.mark.parametrize("held", [[], [Capability.BPF], [Capability.PERFMON, Capability.SYS_PTRACE]])
def test_less_is_refused_with_advice(monkeypatch, held):
    monkeypatch.setattr(rights, "effective", lambda: sum(1 << capability for capability in held))
    with pytest.raises(RightsError, match="sudo"):
        rights.require_bpf()


def test_dropping_keeps_only_what_is_asked_for():
    if not rights.effective() >> Capability.DAC_READ_SEARCH & 1:
        pytest.skip("this process has no capabilities to drop")
    child = os.fork()
    if child == 0:
        rights.drop(frozenset({Capability.DAC_READ_SEARCH}))
        os._exit(0 if rights.effective() == 1 << Capability.DAC_READ_SEARCH else 1)
    assert os.waitpid(child, 0)[1] == 0
