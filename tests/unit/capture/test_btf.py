import struct

import pytest

from sysdig_py.capture.btf import Kind, find

INTEGER, STRUCT, TYPEDEF, PROTOTYPE, FUNCTION, WIDE_ENUM = 1, 4, 8, 13, 12, 19


def btf(*types):
    """Type information of (name, kind, number of members, bytes behind)."""
    names, body = b"\0", b""
    for name, kind, members, tail in types:
        at = names.find(f"\0{name}\0".encode()) + 1 if name else 0  # each name is there once
        if name and not at:
            at = len(names)
            names += f"{name}\0".encode()
        body += struct.pack("III", at, kind << 24 | members, 0) + tail
    return struct.pack("HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(body), len(body), len(names)) + body + names


RAW = btf(
    ("int", INTEGER, 0, bytes(4)),
    ("page", STRUCT, 3, bytes(36)),
    ("", PROTOTYPE, 2, bytes(16)),
    ("state", WIDE_ENUM, 2, bytes(24)),
    ("timespec64", TYPEDEF, 0, b""),
    ("timespec64", STRUCT, 2, bytes(24)),
    ("cast", FUNCTION, 0, b""),
    ("timespec64", STRUCT, 1, bytes(12)),
)


def test_ids_count_from_one_over_types_of_every_length():
    assert find(RAW, Kind.FUNCTION, ["cast"]) == {"cast": 7}
    assert find(RAW, Kind.STRUCT, ["page"]) == {"page": 2}


def test_a_name_counts_only_for_the_kind_that_is_asked_for():
    raw = btf(("cast", STRUCT, 0, b""), ("cast", FUNCTION, 0, b""))
    assert find(raw, Kind.STRUCT, ["cast"]) == {"cast": 1}
    assert find(raw, Kind.FUNCTION, ["cast"]) == {"cast": 2}


def test_what_there_is_not_is_left_out_and_parts_of_names_are_no_names():
    assert find(RAW, Kind.STRUCT, ["nothing", "pag", "imespec64", "page"]) == {"page": 2}


def test_something_else_is_refused():
    for raw in (b"", b"\0" * 64, RAW[:10]):
        with pytest.raises(ValueError, match="no type information"):
            find(raw, Kind.STRUCT, ["page"])
