import pytest

from sysdig_py import filter as filters
from sysdig_py.filter.emit import lua_string
from tests.unit.filter.lua import holds, load

V4, V6 = bytes([10, 1, 2, 3]), bytes.fromhex("fe800000000000000000000000000001")


def test_strings_of_any_bytes():
    assert lua_string(b'a"\\\n\0009\xff') == '"a\\"\\\\\\010\\0009\\255"'


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("", {}, True),
        ("proc.name=cat", {"proc__name": "cat"}, True),
        ("proc.name!=cat", {}, False),
        ("not proc.name=cat", {}, True),
        ("proc.name exists", {}, False),
        ("proc.name in (a, b)", {"proc__name": "b"}, True),
        ("proc.name in ()", {"proc__name": "b"}, False),
        ("proc.name in (a)", {}, False),
        ("proc.name < b", {"proc__name": "a"}, True),
        ("evt.num > 0x10", {"evt__num": 17}, True),
        ("evt.rawres >= 0", {"evt__rawres": -1}, False),
        ("fd.ip=10.1.2.3", {"fd__ip": (b"1234", V4)}, True),
        ("fd.ip!=10.1.2.3", {"fd__ip": (b"1234", V4)}, False),
        ("fd.ip!=10.1.2.3", {"fd__ip": V6}, True),
        ("fd.ip!=10.1.2.3", {}, False),
        ("fd.ip in (10.1.2.3, ::1)", {"fd__ip": (b"1234", V4)}, True),
        ("fd.net=10.0.0.0/9", {"fd__net": (b"1234", V4)}, True),
        ("fd.net=10.128.0.0/9", {"fd__net": (b"1234", V4)}, False),
        ("fd.net!=10.0.0.0/8", {"fd__net": (b"1234", V4)}, False),
        ("fd.net=fe80::/10", {"fd__net": V6}, True),
        ("fd.net=0.0.0.0/0", {"fd__net": V4}, True),
        ("fd.net=0.0.0.0/0", {"fd__net": V6}, False),
        ("fd.cnet in (10.0.0.0/8, ::/0)", {"fd__cnet": V6}, True),
        ("fd.port=https", {"fd__port": (50000, 443)}, True),
        ("fd.port<1024", {"fd__port": (50000, 443)}, True),
        ("fd.port exists", {"fd__port": 443}, True),
        ("fd.name glob /etc/*", {"fd__name": "/etc/a/b"}, True),
        ("fd.name iglob *.TXT", {"fd__name": "a.txt"}, True),
        ("fd.name regex '/etc/.*d'", {"fd__name": "/etc/passwd"}, True),
        ("fd.name regex 'etc'", {"fd__name": "/etc/passwd"}, False),
        ("fd.name pmatch (/usr, /etc)", {"fd__name": "/etcetera"}, False),
        ("fd.name pmatch (/usr, /etc)", {"fd__name": "/etc/passwd"}, True),
        ("evt.buffer bcontains 00ff", {"evt__buffer": b"a\0\xffb"}, True),
        ("evt.buffer bstartswith 6100", {"evt__buffer": b"a\0\xffb"}, True),
        ("evt.buffer endswith b", {"evt__buffer": b"a\0\xffb"}, True),
        ("evt.failed=false", {"evt__failed": False}, True),
        ("evt.failed!=false", {"evt__failed": False}, False),
        ("fd.name startswith oneof (/a, /ab)", {"fd__name": "/ac"}, True),
        ("fd.name startswith oneof (/a, /ab)", {"fd__name": "/abc"}, False),
        ("fd.name contains allof (a, b)", {"fd__name": "/ab"}, True),
        ("fd.name contains allof ()", {"fd__name": "/ab"}, False),
        ("fd.name = anyof (a, b)", {"fd__name": "b"}, True),
        ("tolower(proc.name) = cat", {"proc__name": "CAT"}, True),
        ("toupper(proc.name) in (CAT)", {"proc__name": "cat"}, True),
        ("basename(fd.name) = passwd", {"fd__name": "/etc/passwd"}, True),
        ("len(proc.name) > 2", {"proc__name": "cat"}, True),
        ("b64(proc.name) = hello", {"proc__name": "aGVsbG8="}, True),
        ("b64(proc.name) exists", {"proc__name": "a$"}, False),
        ("concat(proc.name, ':', proc.exe) = a:b", {"proc__name": "a", "proc__exe": "b"}, True),
        ("join('-', (proc.name, proc.exe)) = a-b", {"proc__name": "a", "proc__exe": "b"}, True),
        ("concat(proc.name, proc.exe) != x", {"proc__name": "a"}, False),
        ("proc.name = val(proc.pname)", {"proc__name": "a", "proc__pname": "a"}, True),
        ("proc.name != val(proc.pname)", {"proc__name": "a"}, False),
        ("proc.name in val(proc.pname)", {"proc__name": "a", "proc__pname": "a"}, True),
        ("proc.name = tolower(proc.pname)", {"proc__name": "a", "proc__pname": "A"}, True),
    ],
)
def test_meaning(text, values, expected):
    assert holds(text, **values) is expected


def test_times_keep_their_last_digit():
    loaded = filters.compile("evt.rawtime = 1506127476170520011").lua_source
    assert 'rt.wide("evt.rawtime")' in loaded
    assert "1506127476170520011ULL" in loaded


def test_each_use_of_a_field_with_memory_is_its_own():
    source = filters.compile("evt.deltatime > 5 and evt.deltatime < 9 and evt.num > 1 and evt.num < 5").lua_source
    assert source.count('rt.get("evt.deltatime")') == 2
    assert source.count('rt.get("evt.num")') == 1


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(f"proc.name contains x{i}" for i in range(3000)) + " or proc.name=cat",
        " or ".join(f"proc.aname[{i}]=x" for i in range(300)) + " or proc.name=cat",
        "not (proc.name=x or " * 100 + "proc.name=x" + ")" * 100,
        "(proc.name=cat and " * 99 + "proc.name=cat" + ")" * 99,
        "proc.name in (" + ",".join(f"x{i}" for i in range(70000)) + ",cat)",
        "proc.name = oneof (" + ",".join(f"x{i}" for i in range(500)) + ",cat)",
    ],
    ids=["long", "many fields", "deep not", "deep and", "large set", "large oneof"],
)
def test_large_filters_fit_what_lua_allows(text):
    load(text)
    assert holds(text, proc__name="cat") in (True, False)
    if "not" not in text:
        assert holds(text, proc__name="cat")
        assert not holds(text, proc__name="dog")
