from sysdig_py.schema.events import events, load_data
from sysdig_py.trace.scap.pairs import EVENT_MAX, LAST_SYSCALL_ID, Pair, pairs
from tests.synthetic import by_id


def _pair(name: str) -> Pair:
    return pairs()[by_id()[name].code]


def test_every_event_becomes_one_that_the_reader_knows() -> None:
    known = {row["code"] for row in load_data("events") if row["code"] < EVENT_MAX}
    for event in events():
        if event.name.startswith("NA") or (event.code >= EVENT_MAX and not event.is_exit):
            continue
        pair = pairs()[event.code]
        assert pair.exit.code in known
        assert pair.enter is None or pair.enter.code == pair.exit.code - 1


def test_what_the_enter_event_tells_comes_from_the_exit_event() -> None:
    read = _pair("SYSCALL_READ_X")
    assert read.enter is not None
    assert [value.sources for value in read.exit.values] == [(0,), (1,)]
    assert [value.sources for value in read.enter.values] == [(2,), (3,)]


def test_newer_calls_become_the_older_form_of_the_same_call() -> None:
    dup = _pair("SYSCALL_DUP3_X")
    assert dup.enter is not None
    assert (dup.exit.code, dup.enter.code, dup.enter.values[0].sources) == (125, 124, (1,))


def test_calls_without_an_older_form_keep_their_name_where_the_reader_has_it() -> None:
    named = _pair("SYSCALL_MKNOD_X").exit
    unnamed = _pair("SYSCALL_KEYCTL_X").exit
    assert named.code == unnamed.code == 1
    for half in (named, unnamed):
        assert int.from_bytes(half.values[0].default, "little") <= LAST_SYSCALL_ID


def test_a_parameter_that_was_renamed_is_found() -> None:
    execve = _pair("SYSCALL_EXECVE_19_X")
    names = [param.name for param in by_id()["SYSCALL_EXECVE_19_X"].params]
    assert names[execve.exit.values[17].sources[0]] == "vpgid"
    assert execve.enter is not None
    assert [names[i] for i in execve.enter.values[0].sources] == ["filename", "trusted_exepath"]


def test_absent_values_have_the_size_their_reader_expects() -> None:
    for pair in pairs().values():
        for half in (pair.exit, pair.enter):
            for value in half.values if half else ():
                assert not value.size or len(value.default) == value.size
