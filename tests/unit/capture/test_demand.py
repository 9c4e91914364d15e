from sysdig_py.capture.demand import Consumer, Demand, latency_fields


def test_without_a_consumer_the_capture_filter_decides_alone():
    demand = Demand(Consumer("capture filter", "proc.pid=1"))
    assert demand.wants_all
    assert [one.filter_text for one in demand.filters] == ["proc.pid=1"]


def test_consumers_decide_when_every_one_of_them_has_a_filter():
    both = (Consumer("a", "evt.type=read"), Consumer("b", "evt.type=write"))
    assert [one.name for one in Demand(consumers=both).filters] == ["capture filter", "a", "b"]
    assert Demand(consumers=(*both, Consumer("c"))).wants_all == "c wants every event"


def test_a_limit_counts_what_the_capture_filter_accepts():
    assert "count or time" in Demand(consumers=(Consumer("a", "evt.type=read"),), counts=True).wants_all


def test_what_remembers_is_named_only_where_its_filter_decides():
    remembering = Consumer("a", "evt.deltatime>5")
    assert Demand(consumers=(remembering,)).remembers == "evt.deltatime"
    assert Demand(consumers=(remembering,), counts=True).remembers == ""
    assert Demand(Consumer("capture filter", "thread.cpu>1")).remembers == "thread.cpu"


def test_spans_are_announced_by_writes_which_the_engine_has_to_see():
    assert Demand(Consumer("capture filter", "evt.type=tracer and evt.dir=<")).remembers == "evt.type=tracer"
    assert Demand(consumers=(Consumer("a", "evtin.span.id=1"),)).remembers == "evtin.span.id"
    assert Demand(consumers=(Consumer("a", "evt.type=read"),)).remembers == ""


def test_the_time_in_calls_has_its_fields():
    used = ["evt.type", "evt.wait_latency", "evt.latency.human", "evt.deltatime", "evt.latency"]
    assert latency_fields(used) == ["evt.latency", "evt.latency.human", "evt.wait_latency"]
    assert latency_fields(["evt.type"]) == []
