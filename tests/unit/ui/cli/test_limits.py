import resource

from sysdig_py.ui.cli.limits import LEAST, MOST, STACK, bounded_memory, roomy_stack


def test_memory_is_bounded_for_a_while_only() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_memory():
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        assert LEAST <= soft < MOST + (4 << 30)
        assert hard == before[1]
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_narrower_bound_stays() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (LEAST, before[1]))
    try:
        with bounded_memory():
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == LEAST
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def test_the_stack_gets_room_and_never_loses_some() -> None:
    before = resource.getrlimit(resource.RLIMIT_STACK)
    try:
        roomy_stack()
        soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
        assert hard == before[1]
        assert soft == resource.RLIM_INFINITY or soft >= min(STACK, hard if hard > 0 else STACK)
        resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
        roomy_stack()
        assert resource.getrlimit(resource.RLIMIT_STACK) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, before)
