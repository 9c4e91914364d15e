import pytest

from sysdig_py.capture.demand import Demand
from sysdig_py.capture.image import Constant
from sysdig_py.capture.judge_code import HOOK_SNAPLEN
from sysdig_py.capture.options import LiveOptions
from sysdig_py.capture.plans import reported
from sysdig_py.capture.pushdown import push_down
from sysdig_py.capture.snaplen_rules import MAX_LENGTH, parse, resolve
from sysdig_py.errors import UsageError
from sysdig_py.filter.kernel import Judge
from sysdig_py.schema.events import syscalls
from tests.unit.capture.bpf_machine import run
from tests.unit.capture.test_judge_code import SUBJECTS, Call

NUMBERS = {call.name: call.nr for call in syscalls("x86_64")}


def test_the_last_equals_sign_is_the_rules():
    rule = parse("fd.sport in (80, 8080)=4096")
    assert (rule.filter.text, rule.length) == ("fd.sport in (80, 8080)", 4096)
    assert parse("fd.type=file=0").length == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("80", "write FILTER=N"),
        ("=80", "write FILTER=N"),
        ("fd.type=file", "write FILTER=N"),
        (f"fd.type=file={MAX_LENGTH + 1}", "from 0 to 65535"),
        ("fd.type=file=-1", "write FILTER=N"),
        ("fd.tipe=file=80", "unrecognized field fd.tipe"),
        ("fd.name contains log=80", "cannot judge fd.name contains log: the kernel does not know fd.name"),
        ("proc.name=a and tolower(proc.name)=b=80", "only the engine computes tolower()"),
    ],
)
def test_what_is_no_rule_is_refused(text, complaint):
    with pytest.raises(UsageError, match="snaplen rule") as refusal:
        parse(text)
    assert complaint in str(refusal.value)


def kept(call, *rules, default=80):
    made = push_down(Demand(), "x86_64", tuple(map(parse, rules)), default)
    number = made.treatments[NUMBERS[call.subject.name]].rules
    facts = bytearray(call.facts(0))
    facts[0:4] = number.to_bytes(4, "little")
    if call.known & 4:
        facts[96] |= 16
    return run(made.hooks[HOOK_SNAPLEN], bytes(facts)) if number else default


def call(name="read", kind="FILE", known=31, server=80):
    ends = ("10.0.0.1", 50000, "10.0.1.2", server)
    return Call(SUBJECTS[name], "cat", 1, 0, 5, 0, 3, kind, "file", ends, False, "host", known)


def test_the_first_rule_that_holds_counts():
    rules = ("fd.sport in (80, 8080)=4096", "fd.type=file=0", "proc.name=cat=7")
    assert kept(call(), *rules) == 0
    assert kept(call(kind="IPV4"), *rules) == 4096
    assert kept(call(kind="IPV4", server=22), *rules) == 7
    assert kept(call(kind="UNIX"), "fd.type=file=0") == 80


def test_files_have_their_usual_type():
    assert [kept(call(kind=kind), "fd.type=file=0") for kind in ("FILE", "TMPFS", "PIPE", "OTHER")] == [0, 0, 80, 80]
    assert [kept(call(kind=kind), "fd.type!=pipe=0") for kind in ("FILE", "PIPE", "UNIX")] == [0, 80, 0]


def test_calls_from_which_the_engine_learns_have_data_too():
    assert kept(call("sendto", kind="IPV6"), "fd.port=80=4096") == 4096


def test_what_is_not_known_is_no_reason():
    assert kept(call(kind="IPV4", known=0), "fd.port=80=4096") == 80
    assert kept(call(kind="IPV4", known=0), "not fd.port=80=4096") == 80
    assert kept(call(kind="FILE", known=0), "fd.type=file=0") == 80


def test_rules_that_cannot_hold_cost_nothing():
    made = push_down(Demand(), "x86_64", (parse("evt.type=openat=0"),), 80)
    assert {one.rules for one in made.treatments.values()} == {0}
    assert made.constants[Constant.JUDGE_RULES] == 0


def test_rules_behind_one_that_always_holds_are_left_out():
    rules = (parse("evt.is_io=true=9"), parse("proc.pid=1=3"))
    (read,) = [subject for name, subject in SUBJECTS.items() if name == "read"]
    assert resolve(rules, Judge(), read) == ((True, 9),)


def test_only_events_with_data_are_measured():
    made = push_down(Demand(), "x86_64", (parse("proc.pid=1=3"),), 80)
    names = {event.name for nr, (event, _) in reported("x86_64").items() if made.treatments[nr].rules}
    assert {"read", "write", "sendto", "recvmsg", "pwritev"} <= names
    assert not names & {"openat", "close", "futex"}


def test_the_buffers_are_as_large_as_the_largest_rule():
    assert LiveOptions(snaplen=10, snaplen_rules=(parse("proc.pid=1=3000"),)).copied_bytes == 3000
    assert LiveOptions(snaplen=4000, snaplen_rules=(parse("proc.pid=1=3"),)).copied_bytes == 4000
