"""The shipped chisels over one small scene, compared as text."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from sysdig_py import locations
from sysdig_py.chisel.describe import Describer
from sysdig_py.chisel.registry import Registry
from sysdig_py.chisel.run import ChiselSettings
from sysdig_py.errors import ChiselError
from sysdig_py.schema.state import Role, State
from tests.synthetic import Stream
from tests.unit.chisel.running import container, file, play, play_script, read, socket, write

MODULES = {
    "aggregate", "ansiterminal", "color_option", "common", "connection_book", "conversation", "cpu_table",
    "dns_message", "ends", "event_dump", "flow_book", "heat_rows", "http", "io_rate", "json", "losses", "percentiles",
    "process_columns", "screen", "slow_io", "standard_stream", "text_table", "thread_list",
}  # fmt: skip
SHIPPED = sorted(path.stem for path in locations.CHISELS.glob("*.lua"))
CHISELS = [name for name in SHIPPED if name not in MODULES]
RULER = "-" * 80


@cache
def scene() -> bytes:
    """web asks cache three times, curl asks a server elsewhere and reads a file; every event 1 ms after the other."""
    stream = Stream(step=1_000_000)
    stream.state(State.USER, uid=0, gid=0, name="root", home="/root", shell="/bin/sh")
    container(stream, 10, "aaaaaaaaaaaa", "web", "172.17.0.2")
    container(stream, 20, "bbbbbbbbbbbb", "cache", "172.17.0.3")
    stream.thread(100, cgroup=10, comm="nginx").thread(200, cgroup=20, comm="redis").thread(300, comm="curl")
    inside = ("172.17.0.2", 40000, "172.17.0.3", 6379)
    socket(stream, 100, 5, inside, Role.CLIENT)
    socket(stream, 200, 6, inside, Role.SERVER)
    socket(stream, 300, 7, ("10.0.0.1", 5000, "93.184.216.34", 443), Role.CLIENT)
    file(stream, 300, 4, "/etc/hosts")
    for _ in range(3):
        write(stream, 100, 5, 40, latency=2_000_000, cgroup=10)
        read(stream, 200, 6, 40, cgroup=20)
        write(stream, 200, 6, 1000, cgroup=20)
        read(stream, 100, 5, 1000, cgroup=10, latency=3_000_000)
    write(stream, 300, 7, 500, b"GET / HTTP/1.1\r\n")
    read(stream, 300, 7, 5000, b"HTTP/1.1 200 OK\r\n", latency=12_000_000)
    read(stream, 300, 4, 77, b"127.0.0.1 localhost\n")
    return stream.take()


def table(*rows: tuple[str, ...]) -> str:
    """Rows as print_sorted_table shows them: 20 wide columns, the last one as it is (padded in the header)."""
    lines = ["".join(cell.ljust(20) for cell in rows[0]), RULER]
    lines += ["".join(cell.ljust(20) for cell in row[:-1]) + row[-1] for row in rows[1:]]
    return "\n".join(lines) + "\n"


TABLES = {
    "topprocs_net": table(
        ("Bytes", "Process", "PID"), ("5.37KB", "curl", "300"), ("3.05KB", "nginx", "100"), ("3.05KB", "redis", "200")
    ),
    "topconns": table(
        ("Bytes", "Proto", "Conn"),
        ("6.09KB", "tcp", "172.17.0.2:40000->172.17.0.3:6379"),
        ("5.37KB", "tcp", "10.0.0.1:5000->93.184.216.34:443"),
    ),
    "topcontainers_net": table(("Bytes", "container.name"), ("3.05KB", "cache"), ("3.05KB", "web")),
    "topfiles_bytes": table(("Bytes", "Filename"), ("77B", "/etc/hosts")),
    "topscalls_time": table(("Time", "Syscall"), ("21ms", "read"), ("6.00ms", "write")),
}
CONTAINER_TABLES = {
    "topprocs_net": table(
        ("Bytes", "Process", "Host_pid", "Container_pid", "container.name"),
        ("5.37KB", "curl", "300", "300", "host"),
        ("3.05KB", "nginx", "100", "100", "web"),
        ("3.05KB", "redis", "200", "200", "cache"),
    ),
    "topconns": table(
        ("Bytes", "container.name", "Proto", "Conn"),
        ("5.37KB", "host", "tcp", "10.0.0.1:5000->93.184.216.34:443"),
        ("3.05KB", "cache", "tcp", "172.17.0.2:40000->172.17.0.3:6379"),
        ("3.05KB", "web", "tcp", "172.17.0.2:40000->172.17.0.3:6379"),
    ),
    "topfiles_bytes": table(("Bytes", "container.name", "Filename"), ("77B", "host", "/etc/hosts")),
    "topscalls_time": table(
        ("Time", "Syscall", "container.name"),
        ("12ms", "read", "host"), ("9.00ms", "read", "web"), ("6.00ms", "write", "web"),
    ),
}  # fmt: skip
FLOWS = """\
Client              Server              Port  Proto Sent      Received  Requests Avg     p50     p99     Max
-----------------------------------------------------------------------------------------------------------------
curl                93.184.216.34       443   tcp   500B      4.88KB    1        1.00ms  1.00ms  1.00ms  1.00ms
web                 cache               6379  tcp   120B      2.93KB    3        3.00ms  3.00ms  3.00ms  3.00ms
"""


def output(name: str, arguments: str | None = None, **settings: bool) -> str:
    played = play([(name, arguments)], scene(), settings=ChiselSettings(**settings))  # type: ignore[arg-type]
    assert played.failures == []
    return played.output


@pytest.mark.parametrize("name", CHISELS)
def test_metadata(name: str) -> None:
    chisel = Describer(Registry({})).find(name)
    assert chisel.has_args and chisel.description and chisel.short_description and chisel.category
    assert chisel.is_listed == (name != "table_generator")
    assert all(a.name and a.argtype and a.description for a in chisel.args)


@pytest.mark.parametrize("name", [name for name in CHISELS if name != "table_generator"])
def test_opens_with_purpose_command_and_sample(name: str) -> None:
    head = re.match(r"(?:--.*\n)+", (locations.CHISELS / f"{name}.lua").read_text())
    assert head is not None
    lines = head.group().splitlines()
    assert lines[0].endswith((".", "latency."))
    assert any(re.match(rf"--   sysdig-py .*-c {name}\b", line) for line in lines)
    assert sum(line.startswith("--   ") for line in lines) >= 2


def test_modules_are_no_chisels() -> None:
    describer = Describer(Registry({}))
    assert not [name for name in MODULES if describer.find(name).is_listed]


@pytest.mark.parametrize("name", TABLES)
def test_table(name: str) -> None:
    assert output(name) == TABLES[name]


@pytest.mark.parametrize("name", CONTAINER_TABLES)
def test_table_with_containers(name: str) -> None:
    assert output(name, container_data=True) == CONTAINER_TABLES[name]


def test_table_as_json() -> None:
    text = output("topfiles_bytes", json=True)
    assert json.loads(text) == {
        "ts": "1700000000000000000",
        "data": [["/etc/hosts", 77]],
        "info": [
            {"name": "fd.name", "desc": "Filename", "is_key": True},
            None,
            {"name": "evt.rawarg.res", "desc": "Bytes", "is_key": False},
        ],
    }
    assert text.startswith('{\n  "ts":"1700000000000000000",\n  "data":[["/etc/hosts",77]],\n  "info":[{\n      "name"')


def test_empty_table_as_json() -> None:
    played = play([("topfiles_bytes", None)], b"", settings=ChiselSettings(json=True))
    assert json.loads(played.output)["data"] == []


def test_flows() -> None:
    assert output("flows") == FLOWS


def test_flows_as_json() -> None:
    whole = json.loads(output("flows", json=True))
    assert whole["data"] == [
        ["curl", "93.184.216.34", 443, "tcp", 500, 5000, 1, *[1_000_000] * 4],
        ["web", "cache", 6379, "tcp", 120, 3000, 3, *[3_000_000] * 4],
    ]
    assert [column["desc"] for column in whole["info"]][:4] == ["Client", "Server", "Port", "Proto"]


def test_flows_joins_client_ports_and_names_processes_on_both_ends() -> None:
    stream = Stream(step=1_000_000)
    stream.thread(1, comm="ask").thread(2, comm="answer")
    for port in (1000, 1001):
        ends = ("127.0.0.1", port, "127.0.0.1", 80)
        socket(stream, 1, port, ends, Role.CLIENT)
        socket(stream, 2, port, ends, Role.SERVER)
        write(stream, 1, port, 10)
        read(stream, 2, port, 10)
        write(stream, 2, port, 20)
        read(stream, 1, port, 20)
        read(stream, 1, port, 5)
    rows = play([("flows", None)], stream.take()).output.splitlines()[2:]
    assert [row.split() for row in rows] == [
        ["ask", "answer", "80", "tcp", "20B", "50B", "2", *["3.00ms"] * 4],
    ]


def test_flows_takes_the_server_side_when_it_is_all_there_is() -> None:
    stream = Stream(step=1_000_000)
    stream.thread(2, comm="answer")
    socket(stream, 2, 5, ("10.9.9.9", 1000, "10.0.0.1", 80), Role.SERVER)
    read(stream, 2, 5, 10)
    write(stream, 2, 5, 20)
    rows = play([("flows", None)], stream.take()).output.splitlines()[2:]
    assert [row.split() for row in rows] == [["10.9.9.9", "answer", "80", "tcp", "10B", "20B", "1", *["1.00ms"] * 4]]


def test_flows_forgets_idle_connections_but_not_their_bytes(tmp_path: Path) -> None:
    stream = Stream(step=1000)
    stream.thread(1, comm="ask")
    for port in [*range(12), 11]:
        socket(stream, 1, port, ("10.0.0.1", 1000 + port, "10.0.0.2", 80), Role.CLIENT)
        write(stream, 1, port, 10)
    book = (locations.CHISELS / "flow_book.lua").read_text()
    assert "local GENERATION = 50000" in book
    (tmp_path / "flow_book.lua").write_text(book.replace("= 50000", "= 3"))
    script = """
        local book = require("flow_book").new()
        function on_init()
            name = chisel.request_field("fd.name")
            return true
        end
        function on_event()
            local flow, side = book:side(evt.field(name), false)
            flow.port, flow.proto, flow.client_name, flow.server_name = 80, "tcp", "a", "b"
            side.requests = 0
            side:move(false, 10, 0, false)
        end
        function on_capture_end()
            local held = 0
            for _ in pairs(book.young) do held = held + 1 end
            for _ in pairs(book.old) do held = held + 1 end
            local rows = book:rows()
            print(held, #rows, rows[1].sent, book:rows()[1].sent)
        end
    """
    assert play_script(tmp_path, script, stream.take()).output == "6\t1\t130\t130\n"


def test_lscontainers() -> None:
    assert output("lscontainers") == (
        "container.type container.image container.name      container.id \n"
        "-------------- --------------- ------------------- ------------ \n"
        "docker         img             web                 aaaaaaaaaaaa \n"
        "docker         img             cache               bbbbbbbbbbbb \n"
    )
    assert ' 1 = {\n  id = "aaaaaaaaaaaa",\n  image = "img",\n  name = "web",\n' in output("lscontainers", "desc")


def test_echo_fds() -> None:
    lines = output("echo_fds", "disable_colors").splitlines()
    at = lines.index("------ Write 500B to   10.0.0.1:5000->93.184.216.34:443 (curl)")
    assert lines[at : at + 4] == [
        "------ Write 500B to   10.0.0.1:5000->93.184.216.34:443 (curl)",
        "GET / HTTP/1.1..",
        "------ Read 4.88KB from   10.0.0.1:5000->93.184.216.34:443 (curl)",
        "HTTP/1.1 200 OK..",
    ]
    colored = output("echo_fds", container_data=True)
    assert "\x1b[31m------ Read 77B from \x1b[32m [host] [host] \x1b[31m /etc/hosts (curl)\n" in colored
    assert "\x1b[36m [cache] [bbbbbbbbbbbb] " in colored


def test_netlower() -> None:
    lines = output("netlower", "3 disable_colors").splitlines()
    assert lines[0] == "evt.datetime            proc.name    evt.type LATENCY(ms)  fd.name"
    assert lines[1] == "----------------------- ------------ -------- ------------ " + "-" * 41
    assert [re.sub(r"^\S+ \S+ ", "", line) for line in lines[2:]] == [
        *["nginx        read                3 172.17.0.2:40000->172.17.0.3:6379"] * 3,
        "curl         read               12 10.0.0.1:5000->93.184.216.34:443",
    ]
    assert "aaaaaaaaaaaa         web                  nginx" in output("netlower", "3", container_data=True)


def test_netlower_needs_a_number() -> None:
    played = play([("netlower", "soon")], scene())
    assert played.output == "Input min_ms must be a number.\n"
    assert played.stopped


def test_live_table_is_redrawn_only_on_a_terminal() -> None:
    piped = play([("topfiles_bytes", None)], scene(), live=True)
    assert piped.output == TABLES["topfiles_bytes"]
    stream = Stream(step=600_000_000)
    stream.thread(1)
    file(stream, 1, 3, "/a")
    for _ in range(4):
        read(stream, 1, 3, 5)
    shown = play([("topfiles_bytes", None)], stream.take(), live=True, tty=True).output
    assert shown.count("\x1b[2J\x1b[0;0H" + TABLES["topfiles_bytes"].splitlines()[0]) == 2


def test_names_cannot_steer_the_terminal() -> None:
    stream = Stream()
    stream.thread(1, comm="a\x1b[2Jb")
    file(stream, 1, 3, "/tmp/\x1b]0;x\x07")
    read(stream, 1, 3, 5)
    data = stream.take()
    assert "\x1b" not in play([("topfiles_bytes", None)], data).output
    assert "\x1b" not in play([("echo_fds", "disable_colors")], data).output


ARGUMENTS = {
    "fdbytes_by": "proc.name", "fdcount_by": "proc.name", "fdtime_by": "proc.name", "fileslower": "0", "netlower": "0",
    "scallslower": "0", "spy_ip": "10.0.0.1", "spy_port": "443", "around": "nowhere 5",
}  # fmt: skip
# what a chisel shows of the scene, in a line of its own or as part of one
SHOWN = {
    "bottlenecks": ") 0.012000000 curl (300) < read ", "conns": "curl                93.184.216.34       443",
    "fdbytes_by": "5.45KB              curl", "fdcount_by": "curl\t2", "fdtime_by": "12ms                curl",
    "fileslower": "evt.datetime            proc.name", "iobytes": "", "iobytes_file": "", "iobytes_net": "",
    "httplog": "method=GET url=/ response_code=200 latency=1ms size=0B", "httptop": "1                   GET",
    "list_login_shells": "All shells:", "lsof": "curl                300     300     <NA>    4",
    "netstat": "tcp   93.184.216.34:443        10.0.0.1:5000            ESTABLISHED    300/300/curl",
    "ps": "300     300     <NA>", "scallslower": "12                   read",
    "spectrogram": "\x1b[48;5;", "subsecoffset": "\x1b[48;5;",
    "slowest": ") 1.00ms asked curl (300) 10.0.0.1:5000",
    "spy_file": "curl(300) R 77B /etc/hosts \n127.0.0.1 localhost",
    "spy_ip": "------ Write 500B\nGET / HTTP/1.1", "spy_port": "------ Read 4.88KB\nHTTP/1.1 200 OK",
    "stdin": "", "stdout": "", "stderr": "", "topports_server": "6.09KB              6379", "topscalls": "8",
    "around": " curl(300)\n", "topfiles_time": "Time                Filename",
    "topprocs_file": "77B                 curl",
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in CHISELS if n not in ("table_generator", "udp_extract")])
def test_runs_and_shows_what_there_is(name: str) -> None:
    needs_terminal = name in ("spectrogram", "subsecoffset")
    # both draw when a period is over, so the scene goes on for a while
    data = scene() + later() if needs_terminal else scene()
    settings = ChiselSettings(filter_text="proc.name=curl" if name == "around" else "")
    played = play([(name, ARGUMENTS.get(name))], data, settings=settings, tty=needs_terminal)
    assert played.failures == []
    assert SHOWN.get(name, "") in played.output


def later() -> bytes:
    """Two more calls, each two seconds after what came before."""
    stream = Stream(step=2_000_000_000)
    stream.thread(300, comm="curl")
    read(stream, 300, 4, 10, latency=500)
    read(stream, 300, 4, 10, latency=500)
    return stream.take()


@pytest.mark.parametrize("name", ["spectrogram", "subsecoffset"])
def test_heat_needs_a_terminal(name: str) -> None:
    with pytest.raises(ChiselError, match="init"):
        play([(name, None)], scene())
