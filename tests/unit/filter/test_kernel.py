from sysdig_py import filter as filters
from sysdig_py.filter.kernel import Comparison, Group, Judge, Mode, Subject, all_of, any_of, comparisons_of
from sysdig_py.filter.kernel_facts import Fact

READ = Subject("read", 7, 512, 8, has_result=True, fd=0)
PID = Comparison(Fact.PID, "=", (1,))
TID = Comparison(Fact.TID, "=", (2,))


def may(text, subject=READ):
    return Judge().formula(filters.compile(text), subject)


def must(text, subject=READ):
    return Judge().formula(filters.compile(text), subject, Mode.MUST)


def test_what_the_type_settles_is_settled():
    assert may("evt.type=read") is True
    assert may("evt.type=open or evt.type in (open, close)") is False
    assert may("not evt.type=open and evt.dir=<") is True
    assert may("") is True


def test_what_the_kernel_does_not_know_holds_or_not_by_mode_whatever_is_negated():
    for text in ("fd.name contains x", "not fd.name contains x", "not (not proc.cmdline=a)"):
        assert may(text) is True
        assert must(text) is False


def test_known_parts_remain():
    assert may("proc.pid=1 and fd.name=x") == PID
    assert may("proc.pid=1 or fd.name=x") is True
    assert must("proc.pid=1 and fd.name=x") is False
    assert must("proc.pid=1 or fd.name=x") == PID
    assert may("evt.type=read and (proc.pid=1 or thread.tid=2)") == Group(False, (PID, TID))


def test_negation_moves_down_to_the_tests():
    assert may("not (proc.pid=1 or thread.tid=2)") == Group(True, (PID.opposite(), TID.opposite()))
    assert may("not (proc.pid=1 and fd.name=x)") is True
    assert may("not (proc.pid=1 or fd.name=x)") == PID.opposite()


def test_groups_are_flat_and_without_repetition():
    assert all_of([PID, True, Group(True, (PID, TID))]) == Group(True, (PID, TID))
    assert any_of([False, PID]) == PID
    assert (all_of([PID, False]), any_of([PID, True]), all_of([]), any_of([])) == (False, True, True, False)
    assert comparisons_of(may("proc.pid=1 and (thread.tid=2 or proc.pid=1)")) == [PID, TID, PID]


def test_each_question_about_a_container_is_asked_once():
    judge = Judge()
    both = filters.compile("container.name=a or not container.image=b or container.name=a")
    assert judge.formula(both, READ) == Group(
        False, (Comparison(Fact.CONTAINER, "=", (0,)), Comparison(Fact.CONTAINER, "=", (1,), negated=True))
    )
    assert len(judge.container_checks) == 2


def test_there_is_room_for_64_questions_about_containers():
    text = " and ".join(f"container.name=c{i}" for i in range(70))
    judge = Judge()
    assert len(comparisons_of(judge.formula(filters.compile(text), READ))) == 64
    assert len(judge.container_checks) == 64


def test_reasons_are_given():
    def why(text):
        node = filters.compile(text).ast
        return Judge().why_not(node, text, READ)

    assert why("proc.pid=1") == ""
    assert "fd.name" in why("fd.name=x")
    assert "two fields" in why("proc.name=val(proc.pname)")
    assert "tolower" in why("tolower(proc.name)=x")
    assert "oneof" in why("proc.pid=oneof(1, 2)")
