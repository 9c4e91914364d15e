from sysdig_py.schema.record import pack_record, unpack_record
from sysdig_py.schema.state import State
from sysdig_py.trace.scap.facts import Facts
from tests.synthetic import Stream


def test_parameters_have_names() -> None:
    facts = Facts(unpack_record(Stream().thread(7, ptid=-1, comm="cat", args=b"a\0b\0").take()))
    assert (facts.text("comm"), facts.raw("args"), facts.number("tid")) == (b"cat", b"a\0b\0", 7)
    assert facts.number("ptid", signed=True) == -1


def test_what_is_absent_has_a_default() -> None:
    facts = Facts(unpack_record(pack_record(State.USER, [])))
    assert (facts.number("uid", 5), facts.text("name"), facts.raw("home")) == (5, b"", b"")
