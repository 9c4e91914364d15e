"""Every field of the catalogue is a column of a kind that fits its type; what is none is named."""

import pytest

from sysdig_py.engine.vm import DIALECTS, Engine
from sysdig_py.errors import UsageError
from sysdig_py.export.collector import Collector
from sysdig_py.export.fields import COMMON, column
from sysdig_py.schema.fields import Field, fields


def _written(field: Field) -> str:
    arguments = {"evt.rawarg": "res", "thread.cgroup": "cpu", "evt.type.is": "5"}
    return f"{field.name}.{arguments.get(field.name, 'x')}" if "A" in field.flags else field.name


NAMES = [_written(field) for field in fields().values() if field.name != "evt.around"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("evt.num", "int64"),
        ("evt.rawtime", "time"),
        ("evt.time", "time"),
        ("evt.rawtime.s", "int64"),
        ("evt.latency", "int64"),
        ("evt.cpu", "int64"),
        ("evt.is_io", "bool"),
        ("proc.fdusage", "float64"),
        ("proc.name", "word"),
        ("proc.aname[2]", "word"),
        ("evt.type", "word"),
        ("evt.args", "text"),
        ("evt.arg.flags", "text"),
        ("evt.buffer", "bytes"),
        ("evt.rawarg.data", "bytes"),
        ("evt.rawarg.res", "int64"),
        ("evt.rawarg.length", "uint64"),
        ("fd.cip", "word"),
        ("fd.sport", "int64"),
        ("fd.ip", "list:text"),
        ("fd.port", "list:int64"),
        ("fdlist.nums", "list:text"),
    ],
)
def test_the_kind_follows_the_type_in_the_catalogue(name: str, kind: str) -> None:
    assert column(name).kind == kind


def test_the_common_columns_exist() -> None:
    assert [column(name).name for name in COMMON] == list(COMMON)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_engine_can_collect_every_field_at_once(dialect: str) -> None:
    collector = Collector(Engine(dialect=dialect), [column(name) for name in NAMES])
    assert len(collector.columns) > 300
    assert collector.take().num_rows == 0


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("proc.nam", "unknown field 'proc.nam'; did you mean proc.name?"),
        ("nonsense", "unknown field 'nonsense'; sysdig-py -l lists them"),
        ("", "unknown field ''"),
        ("evt.arg", "needs an argument"),
        ("evt.around", "for filters only"),
        ("evt.rawarg.nonsense", "no event has an argument named 'nonsense'"),
    ],
)
def test_what_is_no_column_is_named(name: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint.replace("?", r"\?")):
        column(name)
