import pytest

from sysdig_py.schema.events import Param, events, flag_tables, load_data, syscall_names, syscalls


def test_codes_are_positions_and_parity_is_direction():
    table = events()
    assert [e.code for e in table] == list(range(len(table)))
    assert all(e.is_exit == (e.code % 2 == 1) for e in table)
    assert all(e.id.endswith("_X") for e in table if e.is_exit and e.id.endswith(("_X", "_E")))


def test_known_rows():
    read = events()[7]
    assert (read.id, read.name, read.params[0]) == ("SYSCALL_READ_X", "read", Param("res", "errno", "dec"))
    assert [p.name for p in read.params] == ["res", "data", "fd", "size"]


def test_parameters_refer_to_what_exists():
    types = load_data("names")["types"]
    dynamic = load_data("names")["dynamic"]
    for event in events():
        for param in event.params:
            assert param.type in types, (event.id, param)
            assert not param.flags or param.flags in flag_tables(), (event.id, param)
            assert not param.dynamic or param.dynamic in dynamic, (event.id, param)
            assert param.dirfd < len(event.params), (event.id, param)


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_system_calls_lead_to_exit_events(arch):
    table = syscalls(arch)
    assert len({call.nr for call in table}) == len(table) > 250
    for call in table:
        assert events()[call.exit_code].is_exit, call
        assert syscall_names()[call.ppm_sc], call
    assert {"read": 7, "openat": 307}.items() <= {c.name: c.exit_code for c in table}.items()
