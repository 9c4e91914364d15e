"""The chisels of an installed sysdig, unmodified: they load, describe themselves and run."""

from pathlib import Path

import pytest

from sysdig_py.chisel.describe import Describer
from sysdig_py.chisel.registry import INSTALLED_SYSDIG, Registry
from sysdig_py.chisel.run import ChiselSettings
from sysdig_py.errors import ChiselError
from tests.unit.chisel.running import play
from tests.unit.chisel.test_shipped import CONTAINER_TABLES, RULER, TABLES, scene

FILES = sorted(path.stem for path in Path(INSTALLED_SYSDIG).glob("*.lua"))
REGISTRY = Registry({"SYSDIG_CHISEL_DIR": INSTALLED_SYSDIG})
ARGUMENTS = {
    "fdbytes_by": "proc.name", "fdcount_by": "proc.name", "fdtime_by": "proc.name", "fileslower": "0", "netlower": "0",
    "scallslower": "0", "spy_ip": "10.0.0.1", "spy_port": "443",
}  # fmt: skip
REFUSALS = {
    "around": "init() for chisel around failed",  # it wants a filter
    "spectrogram": "init() for chisel spectrogram failed",  # it wants a terminal
    "subsecoffset": "init() for chisel subsecoffset failed",  # likewise
    "tracers_2_statsd": "sending over the network is not available to chisels",
    "udp_extract": "--allow-io",
}
NO_CHISELS = {"ansiterminal", "common", "dkjson", "flame", "http", "statsd"}
LISTED = [
    name for name in FILES if name not in NO_CHISELS | {"table_generator", "wsysdig_summary"} and name[:2] != "v_"
]

pytestmark = pytest.mark.skipif(not FILES, reason=f"no sysdig is installed ({INSTALLED_SYSDIG} is missing)")


@pytest.mark.parametrize("name", FILES)
def test_describes_itself(name: str) -> None:
    script = REGISTRY.find(name)
    assert script.path.startswith(INSTALLED_SYSDIG)
    chisel = Describer(REGISTRY).describe(script)
    assert chisel.is_listed == (name in LISTED)
    assert not chisel.is_view or name.startswith("v_")


@pytest.mark.parametrize("name", [n for n in LISTED if n not in REFUSALS])
def test_runs(name: str) -> None:
    played = play([(name, ARGUMENTS.get(name))], scene(), registry=REGISTRY)
    assert played.failures == []


@pytest.mark.parametrize("name", [n for n in REFUSALS if n in FILES])
def test_says_why_it_does_not_run(name: str) -> None:
    argument = "out 5" if name == "around" else None
    with pytest.raises(ChiselError) as caught:
        play([(name, argument)], scene(), registry=REGISTRY)
    assert REFUSALS[name] in str(caught.value)


@pytest.mark.parametrize("name", [n for n in ("spectrogram", "subsecoffset") if n in FILES])
def test_runs_on_a_terminal(name: str) -> None:
    played = play([(name, None)], scene(), registry=REGISTRY, tty=True)
    assert played.failures == []
    assert "\x1b[" in played.output


@pytest.mark.parametrize(("tables", "with_container"), [(TABLES, False), (CONTAINER_TABLES, True)])
def test_tables_are_those_of_the_shipped_chisels(tables: dict[str, str], with_container: bool) -> None:
    settings = ChiselSettings(container_data=with_container)
    for name, expected in tables.items():
        output = play([(name, None)], scene(), registry=REGISTRY, settings=settings).output
        # equal values come in any order there
        assert sorted(output.splitlines()) == sorted(expected.splitlines()), name


@pytest.mark.parametrize("name", ["lscontainers", "echo_fds", "netlower"])
def test_lines_are_those_of_the_shipped_chisels(name: str) -> None:
    for settings in (ChiselSettings(), ChiselSettings(container_data=True)):
        theirs = play([(name, ARGUMENTS.get(name))], scene(), registry=REGISTRY, settings=settings).output
        assert play([(name, ARGUMENTS.get(name))], scene(), settings=settings).output == theirs


def test_thread_table_chisels() -> None:
    listing = play([("lsof", "fd.type=file")], scene(), registry=REGISTRY).output
    assert [line.split() for line in listing.splitlines()[1:]] == [
        ["curl", "300", "300", "<NA>", "4", "file", "/etc/hosts"]
    ]
    assert "web" not in listing
    connections = play([("netstat", None)], scene(), registry=REGISTRY).output
    assert "93.184.216.34:443" in connections
    assert "ESTABLISHED" in connections


def test_sums_by_any_field() -> None:
    output = play([("fdbytes_by", "proc.name")], scene(), registry=REGISTRY).output
    assert output.splitlines()[1:3] == [RULER, "5.45KB              curl"]
