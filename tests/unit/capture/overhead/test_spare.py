import pytest

from sysdig_py.capture.overhead.spare import BRIEF_NEVER, Spare, brief_fd, spare
from sysdig_py.capture.plans import NO_FD, fd_argument, reported
from sysdig_py.schema.events import events

BY_ID = {event.id: event for event in events()}


@pytest.mark.parametrize(
    "name",
    ["SYSCALL_OPENAT_2_X", "SYSCALL_CLOSE_X", "SYSCALL_CLONE_20_X", "SYSCALL_EXECVE_19_X", "SOCKET_CONNECT_X",
     "SOCKET_ACCEPT4_6_X", "SYSCALL_DUP2_X", "SYSCALL_PIPE2_X", "SOCKET_RECVMSG_X", "SYSCALL_CHDIR_X"],
)  # fmt: skip
def test_what_names_depend_on_is_never_left_out_nor_cut(name):
    assert spare(BY_ID[name]) is Spare.NEVER
    assert brief_fd(BY_ID[name], has_argument=True) == BRIEF_NEVER


def test_data_with_an_address_tells_of_a_socket():
    assert spare(BY_ID["SOCKET_SENDTO_X"]) is Spare.WITHOUT_ADDRESS
    assert spare(BY_ID["SYSCALL_READ_X"]) is Spare.ALWAYS


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_whatever_may_be_left_out_tells_the_tables_nothing(arch):
    for event, _ in reported(arch).values():
        assert not (spare(event) is Spare.ALWAYS and event.feeds_state), event.id


def test_brief_records_have_the_result_first_and_know_their_fd():
    for event, _ in reported("x86_64").values():
        at = brief_fd(event, has_argument=fd_argument(event) != NO_FD)
        if at == BRIEF_NEVER:
            continue
        assert event.params[0].name == "res"
        assert at == 0 or event.params[at].type == "fd"
    fstat, stat = BY_ID["SYSCALL_FSTAT_X"], BY_ID["SYSCALL_STAT_X"]
    assert (brief_fd(fstat, has_argument=True), brief_fd(stat, has_argument=False)) == (1, 0)
