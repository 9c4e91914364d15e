"""The system's list of services, as the engine takes it."""

from pathlib import Path

from sysdig_py.output.services import services

LIST = """# names of services

tcpmux		1/tcp				# a remark
domain  53/udp   nameserver
broken
half 53
"""


def test_names_ports_and_protocols(tmp_path: Path) -> None:
    path = tmp_path / "services"
    path.write_text(LIST)
    assert services(path) == b"tcpmux 1 tcp\ndomain 53 udp\n"


def test_a_system_without_the_list_has_no_names(tmp_path: Path) -> None:
    assert services(tmp_path / "services") == b""
