import re

from sysdig_py.engine.vm import Engine
from sysdig_py.schema import generate
from sysdig_py.schema.events import SCHEMA_VERSION, events, flag_tables
from sysdig_py.schema.fields import fields
from sysdig_py.schema.state import STATE_TYPES


def test_the_engine_reads_what_the_schema_says():
    schema = Engine().execute(generate.engine_table())
    assert schema[b"version"] == SCHEMA_VERSION.encode()
    assert len(list(schema[b"events"].keys())) == len(events()) + len(STATE_TYPES)
    row = schema[b"events"][307]
    assert (row[b"id"], row[b"params"][3][b"dirfd"]) == (b"SYSCALL_OPENAT_2_X", 1)
    assert [bytes(f[1]).decode() for f in schema[b"fields"].values()] == list(fields())
    assert {bytes(k).decode() for k in list(schema[b"flags"])} == set(flag_tables())


def test_texts_survive_quoting():
    meanings = [bytes(f[4]).decode() for f in Engine().execute(generate.engine_table())[b"fields"].values()]
    assert meanings == [f.meaning for f in fields().values()]


def test_the_header_defines_every_exit_event_once():
    header = generate.probe_header()
    codes = dict(re.findall(r"#define EV_(\w+) (\S+)", header))
    assert codes["SYSCALL_READ_X"] == "7"
    values: dict[str, set[str]] = {}
    for name, value in re.findall(r"#define (\w+) (.*)", header):
        values.setdefault(name, set()).add(value)
    assert [name for name, given in values.items() if len(given) > 1] == []
    counts = dict(re.findall(r"#define NPARAMS_(\w+) (\d+)", header))
    assert counts.keys() == codes.keys()


def test_identifiers_of_flags_are_c_identifiers():
    for name in re.findall(r"#define (\S+) ", generate.probe_header()):
        assert re.fullmatch(r"[A-Z_][A-Z0-9_]*", name), name
