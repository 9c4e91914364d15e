import pytest

from sysdig_py.capture import judge_code, pushdown
from sysdig_py.capture.demand import Consumer, Demand
from sysdig_py.capture.image import Constant
from sysdig_py.capture.plans import reported
from sysdig_py.capture.pushdown import push_down, subject_of
from sysdig_py.capture.treatment import Verdict
from sysdig_py.engine.vm import Engine
from sysdig_py.schema.events import syscalls

NUMBERS = {call.name: call.nr for call in syscalls("x86_64")}


def pushed(text="", *consumers, counts=False):
    return push_down(
        Demand(Consumer("filter", text), tuple(Consumer(str(i), t) for i, t in enumerate(consumers)), counts), "x86_64"
    )


def verdicts(made, *names):
    return [made.treatments[NUMBERS[name]].verdict for name in names]


def test_without_a_filter_everything_is_kept():
    made = pushed()
    assert {one.verdict for one in made.treatments.values()} == {Verdict.KEEP}
    assert set(made.constants.values()) == {0}
    assert made.hooks[judge_code.HOOK_FILTER] == judge_code.always(1)
    assert made.hooks[judge_code.HOOK_SNAPLEN] == judge_code.always(0)


def test_the_number_decides_where_the_type_does():
    made = pushed("evt.type in (read, openat)")
    assert verdicts(made, "read", "openat", "write", "open") == [
        Verdict.KEEP,
        Verdict.KEEP,
        Verdict.DROP,
        Verdict.STATE_ONLY,
    ]
    assert not made.groups
    assert (made.constants[Constant.JUDGE_DROPS], made.constants[Constant.JUDGE_FILTERS]) == (1, 1)


def test_generic_calls_go_by_their_own_name():
    assert verdicts(pushed("evt.type=getpid"), "getpid", "getppid") == [Verdict.KEEP, Verdict.DROP]


def test_calls_with_the_same_question_share_it():
    made = pushed("(evt.type=read or evt.type=write) and proc.pid=3 or evt.type=openat and proc.pid=4")
    assert verdicts(made, "read", "write", "openat", "close") == [
        Verdict.JUDGE,
        Verdict.JUDGE,
        Verdict.JUDGE,
        Verdict.STATE_ONLY,
    ]
    groups = [made.treatments[NUMBERS[name]].group for name in ("read", "write", "openat")]
    assert groups[0] == groups[1] != groups[2]
    assert len(made.groups) == 2


def test_facts_are_gathered_only_when_asked_for():
    assert pushed("proc.pid=1 and evt.latency>5").constants[Constant.JUDGE_NEEDS] == 0
    made = pushed("proc.name=a or fd.type=file and user.uid=0").constants[Constant.JUDGE_NEEDS]
    assert made == 1 + 2 + 8


def test_the_union_of_what_consumers_want_is_let_through():
    assert verdicts(pushed("", "evt.type=read", "evt.type=write"), "read", "write", "lseek") == [
        Verdict.KEEP,
        Verdict.KEEP,
        Verdict.DROP,
    ]
    assert verdicts(pushed("evt.type!=read", "evt.type=read", ""), "read", "lseek") == [Verdict.DROP, Verdict.KEEP]
    assert verdicts(pushed("", "evt.type=read", counts=True), "lseek") == [Verdict.KEEP]


def test_what_remembers_earlier_events_keeps_everything():
    made = pushed("evt.type=read and evt.deltatime>1")
    assert {one.verdict for one in made.treatments.values()} == {Verdict.KEEP}
    assert "evt.deltatime" in made.why


def test_too_many_questions_are_left_to_the_engine(monkeypatch):
    monkeypatch.setattr(pushdown, "MAX_TESTS", 2)
    made = pushed("evt.type=read and (proc.pid=1 or proc.pid=2 or thread.tid=3) or evt.type=openat")
    assert verdicts(made, "read", "openat", "write") == [Verdict.KEEP, Verdict.KEEP, Verdict.DROP]
    assert "more than 2" in made.why


def test_questions_about_containers_are_collected():
    made = pushed('container.name=web and container.image contains "x" or evt.type=read and container.name=web')
    assert len(made.container_checks) == 2


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_the_engine_sees_every_event_type_the_same_way(arch):
    rows = Engine().execute(
        "local i = require('event_info'); return function(code) local e = i.events[code];"
        " return e.modifies and true or false, e.res_index, e.fd_index end"
    )
    names = Engine().execute("local s = require('schema_data'); return function(id) return s.syscall_names[id] end")
    for event, ppm_sc in set(reported(arch).values()):
        assert rows(event.code) == (event.feeds_state, 0 if event.has_result else -1, event.fd_index), event.id
        if event.code == 1:
            name = names(ppm_sc)
            assert subject_of(event, ppm_sc).name == (name.decode() if name else event.name)


def test_results_that_are_not_the_calls_are_not_judged():
    by_id = {event.id: subject_of(event, sc) for event, sc in reported("x86_64").values()}
    assert by_id["SOCKET_SENDMMSG_X"].has_result is None
    assert by_id["SYSCALL_GETUID_X"].has_result is False
    assert (by_id["SYSCALL_READ_X"].fd, by_id["SOCKET_SETSOCKOPT_X"].fd, by_id["GENERIC_X"].fd) == (0, -1, None)
