from sysdig_py.schema.events import events
from sysdig_py.schema.state import FIRST, STATE_TYPES, FdType, State


def test_every_state_has_its_type_and_none_collides_with_an_event():
    assert [t.code for t in STATE_TYPES] == list(State)
    assert all(t.code >= FIRST > len(events()) for t in STATE_TYPES)
    assert [t.id for t in STATE_TYPES] == [f"STATE_{s.name}" for s in State]


def test_parameter_names_are_unique_within_a_type():
    for kind in STATE_TYPES:
        names = [p.name for p in kind.params]
        assert len(set(names)) == len(names), kind


def test_fd_types_keep_their_numbers():
    assert (FdType.FILE, FdType.IPV6_LISTENER, FdType.FILE_V2, FdType.PIDFD) == (1, 6, 16, 21)
