import pytest

from sysdig_py.filter.values import Kind, Network, check_event_name, convert, event_names, hex_bytes, kind_of


@pytest.mark.parametrize(
    ("kind", "type_name", "text", "value"),
    [
        (Kind.NUMBER, "int64", "-5", -5),
        (Kind.NUMBER, "uint64", "0xFF", 255),
        (Kind.NUMBER, "uint32", "-1", 2**32 - 1),
        (Kind.NUMBER, "uint64", "-1", 2**64 - 1),
        (Kind.NUMBER, "double", "1.5", 1.5),
        (Kind.NUMBER, "int64", "1e3", 1000),
        (Kind.PORT, "port", "443", 443),
        (Kind.PORT, "port", "https", 443),
        (Kind.BOOL, "bool", "true", True),
        (Kind.IP, "ipaddr", "1.2.3.4", bytes([1, 2, 3, 4])),
        (Kind.IP, "ipaddr", "::1", bytes(15) + b"\1"),
        (Kind.NET, "ipnet", "10.1.2.3/8", Network(bytes([10, 0, 0, 0]), 8)),
        (Kind.NET, "ipnet", "fe80::/10", Network(b"\xfe\x80" + bytes(14), 10)),
        (Kind.TEXT, "charbuf", "é\udcff", b"\xc3\xa9\xff"),
    ],
)
def test_values_are_understood(kind, type_name, text, value):
    converted = convert(kind, type_name, text)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (Kind.NUMBER, "five", "five is not a valid number"),
        (Kind.NUMBER, "1e999", "is not a valid number"),
        (Kind.NUMBER, "99999999999999999999", "does not fit 64 bits"),
        (Kind.NUMBER, "٣", "is not a valid number"),
        (Kind.PORT, "70000", "70000 is not a valid port"),
        (Kind.PORT, "nosuch", "unrecognized protocol nosuch"),
        (Kind.BOOL, "yes", "unrecognized boolean value yes"),
        (Kind.IP, "1.2.3", "unrecognized IPv4/IPv6 address 1.2.3"),
        (Kind.IP, "10.0.0.0/8", "networks go with fd.net"),
        (Kind.NET, "10.0.0.1", "unrecognized IP network"),
        (Kind.NET, "10.0.0.0/33", "unrecognized IP network"),
    ],
)
def test_values_that_mean_nothing(kind, text, words):
    with pytest.raises(ValueError, match=words):
        convert(kind, "int64", text)


def test_kinds_of_types():
    assert [kind_of(t) for t in ("charbuf", "uint64", "errno", "ipaddr", "socktuple")] == [
        Kind.TEXT,
        Kind.NUMBER,
        Kind.NUMBER,
        Kind.IP,
        Kind.OPAQUE,
    ]


def test_event_names_cover_events_and_system_calls():
    assert {"open", "switch", "io_uring_enter", "getrandom", "procexit"} <= event_names()
    with pytest.raises(ValueError, match="did you mean openat"):
        check_event_name("opnat")


def test_hex_digits():
    assert hex_bytes("00ff") == b"\0\xff"
    with pytest.raises(ValueError, match="even row of hex digits"):
        hex_bytes("0f0")
