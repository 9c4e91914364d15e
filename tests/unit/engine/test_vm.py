import sys

import pytest

from sysdig_py.engine import vm
from sysdig_py.engine.vm import Engine, EngineFault, HostCallbacks, Status, luajit_version
from sysdig_py.errors import EnvironmentLack, UsageError
from tests.lua_probe import Probe
from tests.synthetic import Stream


def test_the_compiler_is_on():
    version, on = luajit_version()
    assert version.startswith("LuaJIT 2.1")
    assert on


def test_missing_lupa_is_an_environment_lack(monkeypatch):
    monkeypatch.setitem(sys.modules, "lupa.luajit21", None)
    monkeypatch.delattr("lupa.luajit21", raising=False)
    with pytest.raises(EnvironmentLack, match="pip install"):
        Engine()


def test_lua_cannot_reach_python():
    engine = Engine(host=HostCallbacks(window=lambda: (80, 25)))
    assert engine.execute("return python == nil and package.loaded.python == nil")
    with pytest.raises(AttributeError, match="may not reach into Python"):
        engine.execute("return require('host').callbacks.window.__globals__")


def test_callbacks_give_and_get_bytes():
    host = HostCallbacks(
        compile_filter=lambda text: f"return {text!r}",
        find_chisel=lambda name: (f"/x/{name}.lua", b"\xff\0"),
        window=lambda: (80, 25),
        is_tty=lambda: True,
    )
    engine = Engine(host=host)
    ask = "local c = require('host').callbacks return "
    assert engine.execute(ask + "c.compile_filter('a')") == b"return 'a'"
    assert engine.execute(ask + "c.find_chisel('n')") == (b"/x/n.lua", b"\xff\0")
    assert engine.execute(ask + "c.window()") == (80, 25)
    assert engine.execute(ask + "c.is_tty()") is True


def test_machine_and_source_are_known_to_lua():
    engine = Engine({"num_cpus": 4, "hostname": "box"}, True, "file.spy")
    assert engine.execute("local h = require('host') return h.machine.num_cpus, h.machine.hostname") == (4, b"box")
    assert engine.execute("local h = require('host') return h.is_live, h.source_name") == (True, b"file.spy")


def test_an_error_in_lua_names_its_place():
    with pytest.raises(EngineFault, match="boom"):
        Engine().execute("error('boom')")


def test_a_failing_sink_costs_its_event_only():
    probe = Probe()
    probe.lua("require('walk').add_sink{ on_event = function() if ev.num == 2 then error('bad sink') end end }")
    probe.note("ev.num")
    stream = Stream()
    for _ in range(3):
        stream.event("SYSCALL_READ_X", 5, res=1, data=b"x", fd=3, size=1)
    records = stream.take()
    with pytest.raises(EngineFault, match="bad sink") as fault:
        probe.engine.feed_bytes(records)
    step = probe.engine.feed_bytes(records, fault.value.consumed)
    assert step.status is Status.OK
    assert probe.noted() == ["1", "3"]


def test_damaged_records_are_refused():
    record = Stream().event("SYSCALL_CLOSE_X", 5, res=0, fd=3).take()
    for damage in (b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\x3b\0\0\0"):
        with pytest.raises(EngineFault, match="damaged record at byte 0"):
            Engine().feed_bytes(damage + record[4:])
    with pytest.raises(EngineFault, match="damaged"):
        Engine().feed_bytes(record[:-8])


def test_unattached_callbacks_say_so():
    with pytest.raises(Exception, match="no filter compiler"):
        vm.HostCallbacks().compile_filter("x")
    with pytest.raises(Exception, match="no chisel registry"):
        vm.HostCallbacks().find_chisel("x")


def test_text_is_taken_once():
    engine = Engine()
    engine.execute("require('out').write('a\\0b')")
    assert engine.take_output() == b"a\0b"
    assert engine.take_output() == b""


def test_text_is_gone_even_when_it_could_not_be_written():
    def fail(_text):
        raise BrokenPipeError

    engine = Engine()
    engine.execute("require('out').write('a')")
    with pytest.raises(BrokenPipeError):
        engine.hand_output(fail)
    engine.execute("require('out').write('b')")
    assert engine.take_output() == b"b"


def test_lines_are_printed():
    engine = Engine()
    engine.print_lines("%evt.num %evt.type")
    engine.feed_bytes(Stream().event("SYSCALL_READ_X", 5, res=1).event("SYSCALL_WRITE_X", 5, res=1).take())
    assert engine.take_output() == b"1 read\n2 write\n"


def test_a_bad_format_is_the_users_mistake():
    with pytest.raises(UsageError, match="nonsense"):
        Engine().print_lines("%evt.nonsense")


def test_a_filter_is_installed_and_removed():
    engine = Engine()
    engine.print_lines("%evt.num")
    engine.set_filter("local rt = ... return function() return require('ev').num == 2 end")
    records = Stream().event("SYSCALL_READ_X", 5, res=1).take()
    engine.feed_bytes(records * 3)
    engine.set_filter("")
    engine.feed_bytes(records)
    assert engine.take_output() == b"2\n4\n"
