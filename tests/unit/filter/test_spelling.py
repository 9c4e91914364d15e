import pytest

from sysdig_py import filter as filters
from sysdig_py.filter.spelling import spell


@pytest.mark.parametrize(
    "text",
    [
        "proc.pid=1",
        "proc.pid>=1 and not fd.name contains x",
        "(proc.pid=1 or proc.pid=2) and proc.pid=3",
        'not (proc.name in (a, b) or proc.name="with blank")',
        "proc.name startswith oneof(a, b)",
        "tolower(proc.name)=x and fd.name exists",
        'join(",", (proc.name, proc.exe))="a,b"',
        "fd.name pmatch (/etc, /usr)",
        "proc.name=val(proc.pname)",
    ],
)
def test_what_is_spelled_means_the_same(text):
    ast = filters.compile(text).ast
    again = filters.compile(spell(ast))
    assert again.lua_source == filters.compile(text).lua_source
