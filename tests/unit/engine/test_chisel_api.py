"""The libraries sysdig, chisel and evt, and that their document is complete."""

import re
from pathlib import Path
from typing import Any

import pytest

from sysdig_py import locations
from sysdig_py.chisel.run import ChiselSettings
from sysdig_py.engine.vm import Engine
from sysdig_py.errors import ChiselError
from sysdig_py.schema.state import FdType, Role, State
from tests.synthetic import START, Stream
from tests.unit.chisel.running import container, file, play_script, read, socket, write

DOCUMENT = (locations.CHISELS.parent / "docs" / "chisels.md").read_text()


def events(count: int = 3) -> bytes:
    stream = Stream(step=1000)
    stream.thread(7, comm="cat")
    file(stream, 7, 3, "/etc/hosts")
    for i in range(count):
        read(stream, 7, 3, i + 1, b"\x00\x01data"[: i + 1], cpu=i, latency=500 + i)
    return stream.take()


def printed(folder: Path, body: str, data: bytes = b"", where: str = "on_init", **options: Any) -> str:
    played = play_script(folder, f"function {where}() {body} return true end", data, **options)
    assert played.failures == []
    return played.output


def api() -> dict[str, list[str]]:
    source = """
        local names = {}
        local run = require("chisel.run")
        run.setup({ filter = "", dirs = "" })
        run.add("probe", "probe.lua", "args = {} "
            .. "for lib, t in pairs({ sysdig = sysdig, chisel = chisel, evt = evt }) do "
            .. "for name in pairs(t) do print(lib .. '.' .. name) end end")
        """
    engine = Engine()
    engine.execute(source)
    lines = engine.take_output().decode().split()
    return {lib: sorted(n for n in lines if n.startswith(lib + ".")) for lib in ("sysdig", "chisel", "evt")}


def test_every_function_is_documented() -> None:
    names = [name for group in api().values() for name in group]
    assert len(names) > 35
    assert not [
        name for name in names if not re.search(rf"^\| `{re.escape(name)}\(.*\)` \| \S", DOCUMENT, re.MULTILINE)
    ]


def test_nothing_else_is_documented() -> None:
    documented = set(re.findall(r"^\| `((?:sysdig|chisel|evt)\.\w+)\(", DOCUMENT, re.MULTILINE))
    assert documented == {name for group in api().values() for name in group}


def test_the_documents_example_runs(tmp_path: Path) -> None:
    example = re.search(r"```lua\n(.*?)```", DOCUMENT, re.DOTALL)
    assert example is not None
    stream = Stream()
    stream.thread(7, comm="cat")
    for _ in range(2):
        stream.event("SYSCALL_OPENAT_2_X", 7, fd=5, dirfd=-100, name="/etc/hosts", dev=1, ino=1)
    assert play_script(tmp_path, example.group(1), stream.take(), "2").output == "cat\t2\n"


def test_event_facts(tmp_path: Path) -> None:
    body = "print(evt.get_num(), evt.get_type(), evt.get_cpuid(), evt.get_ts())"
    assert printed(tmp_path, body, events(2), "on_event") == (
        f"1\tread\t0\t{START // 10**9}\t1000\n2\tread\t1\t{START // 10**9}\t2000\n"
    )


@pytest.mark.parametrize(
    "call", ["evt.field(name)", "evt.get_num()", "evt.get_ts()", "evt.get_type()", "evt.get_cpuid()"]
)
def test_no_event_yet(tmp_path: Path, call: str) -> None:
    text = f"function on_init() name = chisel.request_field('proc.name') {call} return true end"
    with pytest.raises(ChiselError, match=r"invalid call to evt\.\w+\(\): there is no event yet"):
        play_script(tmp_path, text, b"")


def fields(folder: Path, names: list[str], data: bytes) -> list[list[str]]:
    handles = " ".join(f"h[{i}] = chisel.request_field('{name}')" for i, name in enumerate(names, 1))
    text = f"""
        local h = {{}}
        function on_init() {handles} return true end
        function on_event()
            local row = {{}}
            for i, handle in ipairs(h) do
                local v = evt.field(handle)
                row[i] = type(v) .. ":" .. (type(v) == "string" and ("%q"):format(v) or tostring(v))
            end
            print(table.concat(row, " "))
        end"""
    return [line.split(" ") for line in play_script(folder, text, data).output.splitlines()]


def test_field_types(tmp_path: Path) -> None:
    names = ["proc.name", "evt.rawres", "evt.is_io_read", "evt.latency", "fd.sip", "evt.rawarg.data", "evt.buffer"]
    assert fields(tmp_path, names, events())[2] == [
        'string:"cat"', "number:3", "boolean:true", "number:502", "nil:nil", 'string:"\\0\\1d"', 'string:"..d"',
    ]  # fmt: skip


def test_addresses_are_text(tmp_path: Path) -> None:
    stream = Stream()
    stream.thread(1)
    socket(stream, 1, 5, ("10.0.0.1", 5000, "10.0.0.2", 80), Role.CLIENT)
    write(stream, 1, 5, 3)
    assert fields(tmp_path, ["fd.cip", "fd.sip", "fd.sport", "fd.is_server"], stream.take()) == [
        ['string:"10.0.0.1"', 'string:"10.0.0.2"', "number:80", "boolean:false"]
    ]


def test_missing_handle_is_nil(tmp_path: Path) -> None:
    assert printed(tmp_path, "print(evt.field(nil))", events(1), "on_event") == "nil\n"


def test_handle_by_prefix(tmp_path: Path) -> None:
    assert fields(tmp_path, ["proc.namefoo"], events(1)) == [['string:"cat"']]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nope.nope", "chisel requesting nonexistent field nope.nope"),
        ("fd.ip", "field fd.ip can only be used in filters"),
        ("fd.net", "field fd.net can only be used in filters"),
    ],
)
def test_fields_that_cannot_be_requested(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ChiselError, match=message):
        play_script(tmp_path, f"function on_init() chisel.request_field('{name}') return true end", b"")


def test_chisel_filter_is_its_own_and_can_be_replaced(tmp_path: Path) -> None:
    text = """
        function on_init() chisel.set_filter("evt.rawres=9") chisel.set_filter("evt.rawres>=2") return true end
        function on_event()
            print(evt.get_num())
            if evt.get_num() == 2 then chisel.set_filter("evt.rawres=4") end
        end"""
    assert play_script(tmp_path, text, events(5)).output == "2\n4\n"


def test_bad_filters_name_the_chisel(tmp_path: Path) -> None:
    for call in ("chisel.set_filter", "sysdig.set_filter"):
        with pytest.raises(ChiselError, match=r"invalid filter in chisel probe_chisel: .*filter error at position"):
            play_script(tmp_path, f"function on_init() {call}('proc.name ~~ x') return true end", b"")


def test_global_filter_only_once(tmp_path: Path) -> None:
    text = "function on_init() sysdig.set_filter('evt.rawres=2') print(sysdig.get_filter()) return true end"
    counted = f"{text} function on_event() print(evt.get_num()) end"
    played = play_script(tmp_path, counted, events())
    assert (played.output, played.requests.filter_text) == ("evt.rawres=2\n2\n", "evt.rawres=2")
    with pytest.raises(ChiselError, match="filter can only be set once"):
        play_script(tmp_path, text, b"", settings=ChiselSettings(filter_text="evt.rawres=1"))


def test_formatter(tmp_path: Path) -> None:
    text = """
        function on_init() chisel.set_event_formatter("%evt.num %proc.name") return true end
        function on_event() return evt.get_num() ~= 2 end"""
    assert play_script(tmp_path, text, events()).output == "1 cat\n3 cat\n"
    default = "function on_init() chisel.set_event_formatter('') return true end"
    assert re.match(
        r"1 \d\d:\d\d:20\.000001000 0 cat \(7\) < read res=1 ", play_script(tmp_path, default, events(1)).output
    )


def test_end_capture_prints_no_line(tmp_path: Path) -> None:
    text = """
        function on_init() chisel.set_event_formatter("%evt.num") return true end
        function on_event() if evt.get_num() == 2 then sysdig.end_capture() end return true end
        function on_capture_end(s, ns, delta) print("end", ns, delta) end"""
    played = play_script(tmp_path, text, events(5))
    assert (played.output, played.stopped) == ("1\nend\t2000\t1000\n", True)


def test_facts_of_the_run(tmp_path: Path) -> None:
    body = """
        local m, t = sysdig.get_machine_info(), sysdig.get_terminal_info()
        print(sysdig.is_live(), sysdig.is_tty(), t.width, t.height, sysdig.get_evtsource_name(), sysdig.get_filter())
        print(m.num_cpus, m.memory_size_bytes, m.max_pid, m.hostname, sysdig.get_output_format())
        print(sysdig.is_print_container_data(), sysdig.get_read_progress(), sysdig.push_metric)"""
    assert printed(tmp_path, body, source="a.trace") == (
        "false\tfalse\t-1\t-1\ta.trace\t\n2\t1024\t4096\tbox\tnormal\nfalse\t0\tnil\n"
    )
    settings = ChiselSettings(filter_text="evt.num>0", container_data=True, json=True)
    assert printed(tmp_path, body, live=True, tty=True, settings=settings) == (
        "true\ttrue\t120\t40\t\tevt.num>0\n2\t1024\t4096\tbox\tjson\ntrue\t0\tnil\n"
    )


def test_times(tmp_path: Path) -> None:
    before = printed(tmp_path, "print(sysdig.get_firstevent_ts(), sysdig.get_lastevent_ts())")
    during = printed(tmp_path, "print(sysdig.get_firstevent_ts(), sysdig.get_lastevent_ts())", events(2), "on_event")
    assert before == "0\t0\n"
    assert during == f"{START + 1000}\t{START + 1000}\n{START + 1000}\t{START + 2000}\n"
    body = """print(sysdig.make_ts(1534527350, 5), sysdig.add_ts("1534527350000000005", "7"),
        sysdig.subtract_ts("5", "7"),
        sysdig.make_ts(2^32 + 1, 0), pcall(sysdig.add_ts, "x", "1"))"""
    output = printed(tmp_path, body)
    assert output.startswith("1534527350000000005\t1534527350000000012\t-2\t1000000000\tfalse\t")


def test_requests_and_logs(tmp_path: Path) -> None:
    body = """sysdig.set_snaplen(200) sysdig.set_snaplen(100) sysdig.run_sysdig("-r x")
        sysdig.set_fatfile_dump_mode(true)
        sysdig.log("one") sysdig.log("two", "warning") print(pcall(sysdig.log, "x", "loud"))"""
    played = play_script(tmp_path, f"function on_init() {body} return true end", b"")
    assert (played.requests.snaplen, played.requests.run_app) == (200, "-r x")
    assert played.logs == [("info", "probe_chisel: one"), ("warning", "probe_chisel: two")]
    assert "unknown severity loud" in played.output


def test_output_format(tmp_path: Path) -> None:
    text = """
        function on_init() sysdig.set_output_format("hex") chisel.set_event_formatter("%evt.arg.data")
            return true end"""
    assert "0x0000: 0001 64" in play_script(tmp_path, text, events(3)).output
    assert (
        "0x0000"
        not in play_script(tmp_path, text, events(3), settings=ChiselSettings(buffer_format_forced=True)).output
    )
    with pytest.raises(ChiselError, match="unknown output format loud"):
        play_script(tmp_path, "function on_init() sysdig.set_output_format('loud') return true end", b"")


def tables() -> bytes:
    stream = Stream()
    stream.state(State.USER, uid=5, gid=5, name="eve", home="/", shell="/bin/sh")
    container(stream, 10, "aaaaaaaaaaaa", "web")
    stream.thread(
        1, comm="init", args=b"-x\0-y\0", env=b"A=1\0", uid=5, gid=6, ptid=0, fdlimit=-1, start_ts=START, vm_size=7
    )
    stream.thread(2, cgroup=10, comm="web").thread(3, pid=2, cgroup=10, comm="worker")
    file(stream, 1, 4, "/etc/hosts\x1b")
    socket(stream, 2, 5, ("10.0.0.1", 5000, "10.0.0.2", 80), Role.SERVER)
    stream.state(State.FD, tid=2, pid=2, fd=6, ino=1, type=bytes([FdType.PIPE]), flags=0, dev=0, name="pipe")
    read(stream, 1, 4, 1)
    return stream.take()


def test_thread_table(tmp_path: Path) -> None:
    body = """
        local t = sysdig.get_thread_table()
        local e = t[1]
        print(e.comm, e.username, e.uid, e.fdlimit, e.args[2], e.env[1], e.clone_ts, e.vmsize_kb)
        print(t[1].fdtable[4].name, t[1].fdtable[4].type, t[1].fdtable[4].sip, t[2].username)
        local s = t[2].fdtable[5]
        print(s.type, s.cip, s.cport, s.sip, s.sport, s.is_server, s.l4proto)
        print(t[3].pid, t[3].fdtable[6].name)"""
    assert printed(tmp_path, body, tables(), "on_event") == (
        f"init\teve\t5\t4294967295\t-y\tA=1\t{START}\t7\n"
        "/etc/hosts.\tfile\tnil\t<NA>\nipv4\t10.0.0.1\t5000\t10.0.0.2\t80\ttrue\ttcp\n2\tpipe\n"
    )


COUNT = """
    local function count(t) local n, f = 0, 0 for _, e in pairs(t) do n = n + 1
        for _ in pairs(e.fdtable or {}) do f = f + 1 end end return n .. "/" .. f end """


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "3/5"),
        ("fd.type=ipv4", "2/2"),
        ("proc.name=init", "1/1"),
        ("container.name=web and fd.type=pipe", "2/2"),
        ("fd.name contains hosts or fd.sport=80", "3/3"),
        ("user.name=eve", "1/1"),
        ("evt.rawtime>0 and thread.tid=3", "1/2"),
    ],
)
def test_thread_table_filter(tmp_path: Path, text: str, expected: str) -> None:
    body = f"{COUNT} print(count(sysdig.get_thread_table('{text}')))"
    assert printed(tmp_path, body, tables(), "on_event") == f"{expected}\n"


def test_thread_table_variants(tmp_path: Path) -> None:
    body = f"""{COUNT}
        print(count(sysdig.get_thread_table_nofds()), sysdig.get_thread_table_nofds("fd.num=4")[1].comm)
        print(count(sysdig.get_thread_table_barebone()), sysdig.get_thread_table_barebone()[1].comm)
        print(count(sysdig.get_thread_table_barebone_nofds()), sysdig.get_thread_table_barebone_nofds()[1].fdtable)"""
    assert printed(tmp_path, body, tables(), "on_event") == "3/0\tinit\n3/5\tnil\n3/0\tnil\n"


def test_thread_table_filter_asks_about_state_only(tmp_path: Path) -> None:
    for text in ("evt.type=read", "evt.rawres>0", "evt.around[5]=3"):
        body = f"print(pcall(sysdig.get_thread_table, '{text}'))"
        output = printed(tmp_path, body, tables(), "on_event")
        assert "invalid filter argument for get_thread_table in chisel probe_chisel" in output
        assert "not supported for thread table filtering" in output


def test_thread_table_leaves_the_event_alone(tmp_path: Path) -> None:
    body = """local before = evt.get_type() sysdig.get_thread_table("proc.name=web")
        pcall(sysdig.get_thread_table, "evt.type=x")
        print(before, evt.get_type(), evt.field(chisel.request_field("proc.name")))"""
    assert printed(tmp_path, body, tables(), "on_event") == "read\tread\tinit\n"


def test_container_table(tmp_path: Path) -> None:
    body = "for _, c in ipairs(sysdig.get_container_table()) do print(c.id, c.name, c.image, c.type) end"
    assert printed(tmp_path, body, tables(), "on_event") == "aaaaaaaaaaaa\tweb\timg\tdocker\n"
