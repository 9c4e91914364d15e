from sysdig_py.capture.demand import Consumer, Demand
from sysdig_py.capture.explanation import fates, parts


def places(text):
    return {part.text: part.place for part in parts(Consumer("filter", text), "x86_64")}


def test_each_condition_has_its_place():
    assert places("evt.type=read and proc.name=cat and fd.name contains x") == {
        "evt.type=read": "kernel",
        "proc.name=cat": "kernel",
        "fd.name contains x": "engine",
    }
    assert places("not (evt.type=read or fd.name=x)") == {"not (evt.type=read or fd.name=x)": "both"}


def test_reasons_are_those_of_the_checks_inside():
    (part,) = parts(Consumer("filter", "proc.pid=1 or fd.type=file"), "x86_64")
    assert part.place == "both"
    assert "process id" in part.why and "once its effect is" in part.why


def test_every_call_has_one_fate():
    found = fates(Demand(Consumer("filter", "evt.type=read or evt.type=write and proc.pid=1")), "x86_64")
    named = {fate.meaning.split()[0]: fate.calls for fate in found}
    assert (named["delivered"], named["feed"][:2]) == (("read",), ("accept", "accept4"))
    assert any("write" in fate.calls and "unless" in fate.meaning for fate in found)
    every = [name for fate in found for name in fate.calls]
    assert len(every) == len(set(every)) > 300


def test_without_filters_everything_is_delivered():
    (only,) = fates(Demand(), "aarch64")
    assert only.meaning == "delivered"
