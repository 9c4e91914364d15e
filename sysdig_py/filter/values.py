"""Value kinds: which operators each kind of field knows and how a written value is understood.

Pure conversions; every complaint is a ValueError that `semantics` turns into a FilterError with
the position of the value.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from sysdig_py.schema.events import events, load_data, syscall_names


class Kind(enum.Enum):
    """What a value is, for comparing; the text says it in messages."""

    NUMBER = "a number"
    PORT = "a port"
    TEXT = "text"
    BYTES = "bytes"
    BOOL = "a boolean"
    IP = "an IP address"
    NET = "an IP network"
    OPAQUE = "a value that can only be tested with exists"


@dataclass(frozen=True, slots=True)
class Network:
    """An IP network: its first address and the number of significant bits."""

    address: bytes
    bits: int


Constant = int | float | bool | bytes | Network

_EQUALITY: Final = frozenset(("=", "!=", "exists"))
_SET: Final = _EQUALITY | {"in", "intersects"}
_ORDER: Final = frozenset(("<", "<=", ">", ">="))
_SEARCH: Final = frozenset(("contains", "icontains", "startswith", "endswith"))
KIND_OPERATORS: Final[dict[Kind, frozenset[str]]] = {
    Kind.NUMBER: _SET | _ORDER,
    Kind.PORT: _SET | _ORDER,
    Kind.TEXT: _SET | _ORDER | _SEARCH | {"glob", "iglob", "regex", "pmatch"},
    Kind.BYTES: _SET | _SEARCH | {"bcontains", "bstartswith"},
    Kind.BOOL: _EQUALITY,
    Kind.IP: _SET,
    Kind.NET: _SET,
    Kind.OPAQUE: frozenset(("exists",)),
}

_KINDS: Final = {
    Kind.TEXT: "charbuf fspath fsrelpath charbufarray",
    Kind.BYTES: "bytebuf",
    Kind.BOOL: "bool",
    Kind.IP: "ipaddr ipv4addr ipv6addr",
    Kind.NET: "ipnet ipv4net ipv6net",
    Kind.PORT: "port",
    Kind.OPAQUE: "sockaddr sockfamily socktuple fdlist sigset dyn charbuf_pair_array none",
}
_BY_TYPE: Final = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_BITS: Final = {"int8": 8, "int16": 16, "int32": 32, "uint8": 8, "uint16": 16, "uint32": 32, "uid": 32, "gid": 32}
_UNSIGNED: Final = re.compile(r"uint|flags|enumflags|mode|uid|gid|reltime|abstime|syscallid|sigtype")
_DECIMAL: Final = re.compile(r"[-+]?[0-9]+\Z")
_HEX: Final = re.compile(r"[-+]?0[xX][0-9A-Fa-f]+\Z")
_REAL: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,4})?\Z")
_MAX_PORT: Final = 0xFFFF


def kind_of(type_name: str) -> Kind:
    """Return the kind of a schema type."""
    return _BY_TYPE.get(type_name, Kind.NUMBER)


def convert(kind: Kind, type_name: str, text: str) -> Constant:
    """Return the constant that `text` means for a value of `kind`; ValueError when it means none."""
    if kind is Kind.NUMBER:
        return _number(type_name, text)
    if kind is Kind.PORT:
        return _port(text)
    if kind is Kind.BOOL:
        return _boolean(text)
    if kind is Kind.IP:
        return _address(text)
    if kind is Kind.NET:
        return _network(text)
    return text_bytes(text)


def text_bytes(text: str) -> bytes:
    """Return the bytes behind a written text."""
    return text.encode("utf-8", "surrogateescape")


def hex_bytes(text: str) -> bytes:
    """Return the bytes that a row of hex digits spells."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{text} is not an even row of hex digits") from None


def check_event_name(text: str) -> None:
    """Raise ValueError when no event and no system call has this name."""
    if text not in event_names():
        import difflib

        close = difflib.get_close_matches(text, event_names(), n=1)
        raise ValueError(f"unknown event type {text}" + (f"; did you mean {close[0]}?" if close else ""))


@cache
def event_names() -> frozenset[str]:
    """Return every name evt.type can have."""
    return frozenset(e.name for e in events()) | frozenset(filter(None, syscall_names()))


def _number(type_name: str, text: str) -> int | float:
    if _DECIMAL.match(text):
        return _wrap(type_name, int(text))
    if _HEX.match(text):
        return _wrap(type_name, int(text, 16))
    value = float(text) if _REAL.match(text) else None
    if value is None or value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is not a valid number")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _wrap(type_name: str, value: int) -> int:
    """Read a negative number for an unsigned field the way C does: -1 is the largest."""
    if value < 0 and _UNSIGNED.match(type_name):
        value %= 2 ** _BITS.get(type_name, 64)
    if not -(2**63) <= value < 2**64:
        raise ValueError(f"{value} is not a valid number: it does not fit 64 bits")
    return value


def _port(text: str) -> int:
    if _DECIMAL.match(text) or _HEX.match(text):
        port = int(text, 16 if _HEX.match(text) else 10)
        if 0 <= port <= _MAX_PORT:
            return port
        raise ValueError(f"{text} is not a valid port")
    services: dict[str, int] = load_data("services")
    if text not in services:
        raise ValueError(f"unrecognized protocol {text}")
    return services[text]


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"unrecognized boolean value {text}: use true or false")
    return text == "true"


def _address(text: str) -> bytes:
    try:
        return ipaddress.ip_address(text).packed
    except ValueError:
        hint = "; networks go with fd.net, fd.cnet and fd.snet" if "/" in text else ""
        raise ValueError(f"unrecognized IPv4/IPv6 address {text}{hint}") from None


def _network(text: str) -> Network:
    try:
        if "/" not in text:
            raise ValueError
        net = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"unrecognized IP network {text}: write ADDRESS/BITS") from None
    return Network(net.network_address.packed, net.prefixlen)
