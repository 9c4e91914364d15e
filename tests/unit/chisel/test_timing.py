"""The cost of a chisel: measured by the engine, shown as text."""

from sysdig_py import filter as filters
from sysdig_py.chisel.registry import Registry
from sysdig_py.chisel.run import ChiselRun, ChiselSettings
from sysdig_py.chisel.timing import CallbackTime, cost_report
from sysdig_py.engine.vm import Engine, HostCallbacks
from tests.unit.chisel.running import MACHINE
from tests.unit.chisel.test_shipped import scene


def test_report() -> None:
    text = cost_report([CallbackTime("on_init", 1, 1_500_000), CallbackTime("on_event", 4, 2000)], 4, 0.5)
    assert text.splitlines() == [
        "callback                calls   total ms    ns each",
        "on_init                     1      1.500    1500000",
        "on_event                    4      0.002        500",
        "4 events in 0.500 s, 8 events/s",
    ]


def test_report_of_a_run_without_time() -> None:
    assert cost_report([], 0, 0.0).endswith("0 events in 0.000 s\n")


def timings(*, profile: bool) -> dict[str, CallbackTime]:
    registry = Registry({})

    def find(name: str) -> tuple[str, bytes]:
        script = registry.find(name)
        return script.path, script.source

    host = HostCallbacks(compile_filter=lambda text: filters.compile(text).lua_source, find_chisel=find)
    engine = Engine(MACHINE, False, "", host)
    run = ChiselRun(engine, registry, ChiselSettings(profile=profile))
    run.add("topfiles_bytes")
    run.init()
    run.start()
    engine.feed_bytes(scene())
    run.finish()
    assert "/etc/hosts" in engine.take_output().decode()
    return {time.name: time for time in run.timings()}


def test_callbacks_are_measured_also_those_of_a_successor() -> None:
    times = timings(profile=True)
    # topfiles_bytes itself, then the table_generator that it becomes
    assert times["on_init"].calls == 2
    assert times["on_set_arg"].calls == 7
    # the one read of a file passes the filter
    assert times["on_event"].calls == 1
    assert times["on_capture_end"].calls == 1
    assert all(time.ns > 0 for time in times.values())


def test_nothing_is_measured_unless_asked_for() -> None:
    assert timings(profile=False) == {}
