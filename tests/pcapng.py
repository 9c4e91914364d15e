"""Reading pcapng files in tests: a strict reader of our own, and what stock tshark says about one."""

from __future__ import annotations

import ipaddress
import os
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Packet:
    """A packet with its headers taken apart."""

    interface: str
    ns: int
    source: str
    destination: str
    protocol: int
    length: int  # of the payload, as the headers have it
    payload: bytes  # what of it is there
    flags: int = 0
    seq: int = 0
    ack: int = 0
    comment: str = ""
    direction: int = 0
    checks: bool = True  # whether all checksums are right


@dataclass
class Capture:
    options: dict[int, bytes] = field(default_factory=dict)
    interfaces: list[dict[int, bytes]] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)


def read(data: bytes, capture: Capture | None = None) -> Capture:
    """Read a file, or go on with what follows in one; anything that is not as the format says is an assertion."""
    capture = capture or Capture()
    for kind, body in _blocks(data):
        if kind == 0x0A0D0D0A:
            assert struct.unpack_from("<IHHq", body) == (0x1A2B3C4D, 1, 0, -1)
            capture.options = _options(body[16:])
        elif kind == 1:
            assert struct.unpack_from("<HHI", body) == (101, 0, 0)
            capture.interfaces.append(_options(body[8:]))
        else:
            assert kind == 6
            capture.packets.append(_packet(body, capture))
    return capture


def _blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert length % 4 == 0
        assert struct.unpack_from("<I", data, at + length - 4) == (length,)
        yield kind, data[at + 8 : at + length - 4]
        at += length
    assert at == len(data)


def _options(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at < len(data):
        code, length = struct.unpack_from("<HH", data, at)
        if code == 0:
            assert (length, at + 4) == (0, len(data))
            break
        found[code] = data[at + 4 : at + 4 + length]
        padding = data[at + 4 + length : at + 4 + length + -length % 4]
        assert padding == bytes(len(padding))
        at += 4 + length + -length % 4
    return found


def _sum(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _packet(body: bytes, capture: Capture) -> Packet:
    interface, high, low, captured, original = struct.unpack_from("<IIIII", body)
    data, options = body[20 : 20 + captured], _options(body[20 + captured + -captured % 4 :])
    assert captured <= original
    if data[0] >> 4 == 4:
        total, protocol = struct.unpack_from(">H", data, 2)[0], data[9]
        head, source, destination = 20, data[12:16], data[16:20]
        assert _sum(data[:20]) == 0xFFFF
    else:
        total, protocol = struct.unpack_from(">H", data, 4)[0] + 40, data[6]
        head, source, destination = 40, data[8:24], data[24:40]
    assert total == original
    rest = data[head:]
    size = 8 if protocol == 17 else rest[12] >> 4 << 2
    ports = struct.unpack_from(">HH", rest)
    pseudo = source + destination + struct.pack(">II", original - head, protocol)
    is_whole = captured == original
    packet = Packet(
        interface=capture.interfaces[interface][2].decode(),
        ns=(high << 32) + low,
        source=f"{ipaddress.ip_address(source)}:{ports[0]}",
        destination=f"{ipaddress.ip_address(destination)}:{ports[1]}",
        protocol=protocol,
        length=original - head - size,
        payload=rest[size:],
        comment=options[1].decode(),
        direction=struct.unpack("<I", options[2])[0],
        checks=not is_whole or _sum(pseudo + rest) == 0xFFFF,
    )
    if protocol == 6:
        packet.seq, packet.ack, packet.flags = *struct.unpack_from(">II", rest, 4), rest[13]
    else:
        assert struct.unpack_from(">H", rest, 4)[0] == original - head
    return packet


def tshark(path: Path, *words: str) -> list[str]:
    """Return the lines of tshark about a file.

    Whatever it complains about on standard error fails.
    """
    done = subprocess.run(
        ["tshark", "-r", str(path), *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )
    assert [line for line in done.stderr.splitlines() if "Running as user" not in line] == []
    return done.stdout.splitlines()


def complaints(path: Path) -> list[str]:
    """Return what tshark's experts find wrong: warnings and errors, malformed packets and checksums among them."""
    checks = [word for name in ("ip", "tcp", "udp") for word in ("-o", f"{name}.check_checksum:TRUE")]
    lines = [line for line in tshark(path, *checks, "-q", "-z", "expert,warn") if line.strip()]
    return lines + tshark(path, "-Y", "_ws.malformed")
