from pathlib import Path

import pytest

from sysdig_py import filter as filters
from sysdig_py.chisel.registry import Registry
from sysdig_py.chisel.run import ChiselRun, ChiselSettings
from sysdig_py.engine.vm import Engine, HostCallbacks, Status
from sysdig_py.errors import ChiselError, UsageError
from tests.synthetic import Stream
from tests.unit.chisel.running import file, read


def run_of(folder: Path, settings: ChiselSettings | None = None, **scripts: str) -> ChiselRun:
    for name, text in scripts.items():
        (folder / f"{name}.lua").write_text(f"args = {{}}\n{text}")
    registry = Registry({"SYSDIG_CHISEL_DIR": str(folder)})
    host = HostCallbacks(compile_filter=lambda text: filters.compile(text).lua_source)
    return ChiselRun(Engine(host=host), registry, settings or ChiselSettings())


def events(count: int) -> bytes:
    stream = Stream()
    stream.thread(7)
    file(stream, 7, 3, "/x")
    for _ in range(count):
        read(stream, 7, 3, 1)
    return stream.take()


def test_unknown_chisel_and_wrong_arguments(tmp_path: Path) -> None:
    run = run_of(tmp_path, mine="")
    with pytest.raises(UsageError, match="chisel nothing_like_it not found"):
        run.add("nothing_like_it")
    with pytest.raises(UsageError, match="too many parameters for chisel mine"):
        run.add("mine", "word")


def test_failures_are_taken_once(tmp_path: Path) -> None:
    run = run_of(tmp_path, one="function on_event() error('a') end", two="function on_event() error('b') end")
    run.add("one")
    run.add("two")
    run.init()
    run.start()
    assert run.alive == 2
    assert run.engine.feed_bytes(events(3)).status is Status.OK
    reports = run.take_failures()
    assert ["a" in reports[0], "b" in reports[1], len(reports)] == [True, True, 2]
    assert run.take_failures() == []
    assert run.alive == 0


def test_init_failure_is_raised_and_start_skips_the_chisel(tmp_path: Path) -> None:
    run = run_of(tmp_path, one="function on_init() return false end", two="function on_event() print('two') end")
    run.add("one")
    run.add("two")
    with pytest.raises(ChiselError, match=r"chisel one failed in on_init\(\)"):
        run.init()
    run.start()
    run.engine.feed_bytes(events(1))
    assert run.engine.take_output() == b"two\n"


def test_requests_reach_the_caller(tmp_path: Path) -> None:
    text = "function on_init() sysdig.set_snaplen(99) sysdig.set_filter('evt.num>0') return true end"
    run = run_of(tmp_path, one=f"{text} function on_capture_end() sysdig.run_app('-r x') end")
    run.add("one")
    requests = run.init()
    assert (requests.snaplen, requests.filter_text, requests.run_app) == (99, "evt.num>0", None)
    run.start()
    assert run.finish().run_app == "-r x"


def test_end_of_capture_stops_the_engine(tmp_path: Path) -> None:
    run = run_of(tmp_path, one="function on_event() print('x') sysdig.end_capture() end")
    run.add("one")
    run.init()
    run.start()
    assert not run.stopped
    assert run.engine.feed_bytes(events(3)).status is Status.STOP
    assert run.stopped
    assert run.engine.take_output() == b"x\n"


def test_progress_and_logs(tmp_path: Path) -> None:
    run = run_of(tmp_path, one="function on_event() sysdig.log('at ' .. sysdig.get_read_progress(), 'debug') end")
    run.add("one")
    run.init()
    run.start()
    run.set_progress(12.5)
    run.engine.feed_bytes(events(1))
    assert run.take_logs() == [("debug", "one: at 12.5")]
    assert run.take_logs() == []


def test_second_source_starts_over_but_keeps_the_chisels_world(tmp_path: Path) -> None:
    text = """
        total = 0
        function on_init() print("init", total) return true end
        function on_event() total = total + 1 end
        function on_capture_end() print("end", total) end"""
    run = run_of(tmp_path, one=text)
    run.add("one")
    for _ in range(2):
        run.init()
        run.start()
        run.engine.feed_bytes(events(2))
        run.finish()
    assert run.engine.take_output() == b"init\t0\nend\t2\ninit\t2\nend\t4\n"
