import pytest

from sysdig_py.capture.plans import RECIPES
from sysdig_py.capture.touches import _BY_HAND, Touch, touches
from sysdig_py.schema.events import events

BY_ID = {event.id: event for event in events()}
THIRD, FOURTH, FIFTH = Touch(4), Touch(8), Touch(16)


@pytest.mark.parametrize(
    ("event_id", "expected"),
    [
        ("SYSCALL_READ_X", Touch.FIRST),
        ("SYSCALL_WRITEV_X", Touch.FIRST),
        ("SYSCALL_MMAP_X", FIFTH),
        ("SYSCALL_SPLICE_X", Touch.FIRST | THIRD),
        ("SYSCALL_SENDFILE_X", Touch.FIRST | Touch.SECOND),
        ("SYSCALL_RENAMEAT_X", Touch.FIRST | THIRD),
        ("SYSCALL_DUP2_X", Touch.FIRST | Touch.SECOND | Touch.RESULT),
        ("SYSCALL_FCNTL_X", Touch.FIRST | Touch.DUPLICATES),
        ("SYSCALL_SIGNALFD4_X", Touch.FIRST | Touch.RESULT),
        ("SYSCALL_EPOLL_CREATE1_X", Touch.RESULT),
        ("SOCKET_ACCEPT4_6_X", Touch.RESULT),
        ("SOCKET_RECVMSG_X", Touch.FIRST),
        ("SOCKET_LISTEN_X", Touch.FIRST | Touch.AGAIN),
        ("SYSCALL_OPENAT_2_X", Touch.FIRST | Touch.RESULT),
        # the fd of another process is none of the caller's
        ("SYSCALL_PIDFD_GETFD_X", Touch.FIRST),
        ("SYSCALL_MUNMAP_X", Touch(0)),
    ],
)
def test_fds_among_arguments_and_results(event_id, expected):
    assert touches(BY_ID[event_id], RECIPES.get(event_id, "")) == expected


def test_what_is_listed_by_hand_exists():
    assert set(_BY_HAND) <= set(BY_ID)


@pytest.mark.parametrize("event", [e for e in events() if e.id in RECIPES], ids=lambda e: e.id)
def test_every_fd_that_is_an_argument_is_found(event):
    """As many as the recipe takes from arguments, but for those of which the list says otherwise."""
    if event.id in _BY_HAND:
        return
    found = touches(event, RECIPES[event.id])
    words = [word for word in RECIPES[event.id].split() for _ in range(3 if word in ("vm", "queue") else 1)]
    fds = [word for word, param in zip(words, event.params, strict=False) if param.type == "fd"]
    arguments = [word for word in fds if word.startswith("a") and word[1:].isdigit()]
    assert (found & 0x3F).bit_count() == len(arguments)
    assert bool(found & Touch.RESULT) == ("ret" in fds)
