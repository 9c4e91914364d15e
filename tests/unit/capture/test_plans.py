import pytest

from sysdig_py.capture import plans
from sysdig_py.capture.conversions import Conversion
from sysdig_py.capture.handlers import Handler
from sysdig_py.capture.plans import Op, Step
from sysdig_py.capture.treatment import Treatment, Verdict
from sysdig_py.schema.events import events, syscalls

BY_ID = {event.id: event for event in events()}
FIXED = {"size": (4, 8), "ret": (4, 8)}


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_every_call_of_the_schema_has_a_plan(arch):
    made = plans.plans(arch)
    assert len(made) == plans.PLAN_COUNT
    assert all(len(plan) == 16 + 4 * plans.MAX_STEPS for plan in made.values())
    for call in syscalls(arch):
        if call.nr < plans.PLAN_COUNT:
            assert int.from_bytes(made[call.nr][:2], "little") == call.exit_code
            assert int.from_bytes(made[call.nr][2:4], "little") == call.ppm_sc


@pytest.mark.parametrize(("arch", "named", "generic"), [("x86_64", 154, 219), ("aarch64", 127, 199)])
def test_every_named_call_has_all_parameters_of_its_event(arch, named, generic):
    made = plans.plans(arch)
    found = {BY_ID[plans.reported(arch)[call.nr][0].id]: call.nr for call in syscalls(arch)}
    lacking = {
        event.id: made[nr][5] for event, nr in found.items() if made[nr][5] != len(event.params) or "-" in recipe(event)
    }
    assert not lacking
    assert len(found) - 1 == named
    assert sum(plans.reported(arch)[call.nr][0].id == "GENERIC_X" for call in syscalls(arch)) == generic


def recipe(event):
    return plans.RECIPES.get(event.id, "").split()


def test_numbers_without_a_call_are_generic():
    unused = next(nr for nr in range(plans.PLAN_COUNT) if nr not in {call.nr for call in syscalls("x86_64")})
    assert plans.plans("x86_64")[unused][4] == Handler.GENERIC


@pytest.mark.parametrize("name", sorted(plans.RECIPES))
def test_recipe_makes_every_parameter(name):
    event = BY_ID[name]
    assert len(plans.steps(event)) <= plans.MAX_STEPS
    for step in plans.steps(event):
        assert 0 <= step.arg <= 5
        assert 0 <= step.detail <= 255


@pytest.mark.parametrize("name", sorted(plans.RECIPES))
def test_integers_have_the_size_of_their_type_and_texts_are_texts(name):
    params = iter(BY_ID[name].params)
    for step in plans.steps(BY_ID[name]):
        param = next(params)
        if step.op in (Op.MEMORY, Op.QUEUE):
            next(params), next(params)
        elif step.op in (Op.TEXT, Op.RESULT_TEXT, Op.NAME):
            assert param.type in ("charbuf", "fspath", "fsrelpath"), param
        elif step.op in (Op.DATA, Op.CONTROL):
            assert param.type == "bytebuf"
        elif step.op is Op.TUPLE:
            assert param.type == "socktuple"
        elif step.op is Op.ADDRESS:
            assert param.type == "sockaddr"
        elif step.op is not Op.EMPTY:
            assert step.size == plans._SIZES[param.type], param


def test_words():
    assert plans.steps(BY_ID["SYSCALL_FCNTL_X"]) == (
        Step(Op.RET, 0, 8),
        Step(Op.FD, 0, 8),
        Step(Op.INT, 1, 1, 0, Conversion.FCNTL),
        Step(Op.INT, 2, 8),
    )
    assert Step(Op.INT, 1, 1, 0, Conversion.FCNTL).pack() == bytes((Op.INT, 1 | Conversion.FCNTL << 3, 1, 0))


def test_recipes_that_do_not_fit_are_refused(monkeypatch):
    monkeypatch.setitem(plans.RECIPES, "SYSCALL_DUP_1_X", "ret")
    with pytest.raises(ValueError, match="makes 1 of 2"):
        plans.steps(BY_ID["SYSCALL_DUP_1_X"])
    monkeypatch.setitem(plans.RECIPES, "SYSCALL_DUP_1_X", "ret bogus")
    with pytest.raises(ValueError, match="bogus"):
        plans.steps(BY_ID["SYSCALL_DUP_1_X"])


def test_the_fd_of_a_call_is_found_among_its_arguments():
    def argument(name):
        return plans.fd_argument(BY_ID[name])

    assert argument("SYSCALL_READ_X") == argument("SYSCALL_FSTAT_X") == argument("SOCKET_SENDTO_X") == 0
    assert (argument("SYSCALL_MMAP_X"), argument("SYSCALL_SYMLINKAT_X")) == (4, 1)
    assert argument("SYSCALL_OPEN_X") == argument("SYSCALL_GETUID_X") == plans.NO_FD, "no fd before the call"


def test_what_the_filters_make_of_a_call_is_part_of_its_plan():
    made = plans.plans("x86_64", {0: Treatment(Verdict.JUDGE, 7, 2), 3: Treatment(Verdict.STATE_ONLY)})
    read, write, close = (tuple(made[nr][7:12]) for nr in (0, 1, 3))
    assert read == (Verdict.JUDGE, 7, False, 0, 2)
    assert write == (Verdict.KEEP, 0, False, 0, 0)
    assert close == (Verdict.STATE_ONLY, 0, True, 0, 0)
