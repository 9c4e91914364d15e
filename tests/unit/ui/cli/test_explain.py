from pathlib import Path

from sysdig_py.capture.demand import Consumer, Demand
from sysdig_py.capture.options import LiveOptions
from sysdig_py.capture.snaplen_rules import parse
from sysdig_py.ui.cli.explain import explain_live, explain_replay


def explained(text, *consumers, latency="", pushdown=True, verbose=False, options=LiveOptions()):  # noqa: B008
    demand = Demand(Consumer("capture filter", text), tuple(Consumer(*one) for one in consumers), latency=latency)
    return explain_live(demand, options, pushdown=pushdown, verbose=verbose)


def test_conditions_and_calls_are_told():
    text = explained("evt.type=openat and proc.name=cat and fd.name contains etc", ("chisel a", "evt.type=openat"))
    assert "  proc.name=cat\n    kernel: name of the thread\n" in text
    assert "  fd.name contains etc\n    engine: the kernel does not know fd.name\n" in text
    assert "chisel a: evt.type=openat\n" in text
    assert "1 left out unless the conditions above hold" in text
    assert "... (-v names all)" in text
    assert "\n    access acct" in explained("evt.type=openat", verbose=True)


def test_who_wants_everything_is_named():
    assert "chisel b wants every event" in explained("", ("chisel a", "evt.type=read"), ("chisel b",))


def test_why_the_kernel_judges_nothing_is_told():
    assert "evt.deltatime remembers earlier events" in explained("evt.deltatime>1")
    assert "--no-pushdown" in explained("evt.type=read", pushdown=False)


def test_how_much_is_kept_of_the_data_is_told():
    assert "\nData: 80 bytes of each buffer are kept.\n" in explained("")
    rules = LiveOptions(snaplen=5, snaplen_rules=(parse("fd.type=file=0"), parse("fd.port=80=4096")))
    assert (
        "Data, by the first rule that holds (kernel):\n  fd.type=file: 0 bytes\n  fd.port=80: 4096 bytes\n"
        "  else 5 bytes of each buffer are kept\n"
    ) in explained("", options=rules)


def test_who_asks_for_the_time_in_calls_is_told():
    assert explained("", latency="the trace").endswith("\nTime in calls: measured, for the trace.\n")
    assert "Time in calls: not measured, since nobody asks" in explained("", latency="")
    assert "Time in calls: measured, for every event." in explained("", latency="", pushdown=False)
    assert "not measured (--no-latency)" in explained("", latency="the trace", options=LiveOptions(latency=False))


def test_the_example_in_the_documentation_is_what_is_printed():
    text = Path("docs/capture.md").read_text()
    words, _, expected = text.partition("# sysdig-py --explain ")[2].partition("```")[0].partition("\n")
    assert explained(words, ("event lines",)) == expected


def test_a_trace_is_the_engines_business():
    assert explain_replay(["a.spy", "b.spy"]) == "a.spy, b.spy: a saved trace; the engine judges every filter\n"
