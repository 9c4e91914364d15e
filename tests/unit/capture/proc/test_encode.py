import pytest

from sysdig_py.capture.proc.encode import address_text, charbuf, endpoint, ip_tuple, pack_u32, pack_u64, unix_tuple


def test_charbuf() -> None:
    assert charbuf(b"") == b"\0" and charbuf(b"a\xff") == b"a\xff\0"


def test_numbers_are_little_endian() -> None:
    assert pack_u32(1) == b"\x01\0\0\0" and pack_u64(1 << 63) == bytes(7) + b"\x80"


def test_ipv4_tuple() -> None:
    assert ip_tuple(b"\x0a\0\0\1", 1, b"\x0a\0\0\2", 0x1F90) == b"\x02\x0a\0\0\1\x01\0\x0a\0\0\2\x90\x1f"


def test_ipv6_tuple() -> None:
    one, two = bytes(15) + b"\1", bytes(15) + b"\2"
    assert ip_tuple(one, 1, two, 2) == b"\x0a" + one + b"\1\0" + two + b"\2\0"


def test_unix_tuple() -> None:
    assert unix_tuple(1, 2, b"/s") == b"\x01" + b"\1" + bytes(7) + b"\2" + bytes(7) + b"/s\0"


@pytest.mark.parametrize(
    ("address", "text"),
    [(b"\x7f\0\0\1", "127.0.0.1"), (bytes(16), "::"), (b"\xfe\x80" + bytes(13) + b"\1", "fe80::1")],
)
def test_texts(address: bytes, text: str) -> None:
    assert address_text(address) == text
    assert endpoint(address, 80) == f"{text}:80"
