"""Names of network services, for ports shown by name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SERVICES: Final = Path("/etc/services")


def services(path: Path = SERVICES) -> bytes:
    """Return the services as lines `name port protocol`; nothing where the system has no list."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return b""
    entries = (line.partition("#")[0].split()[:2] for line in text.splitlines())
    return "".join(f"{e[0]} {e[1].replace('/', ' ')}\n" for e in entries if len(e) == 2 and "/" in e[1]).encode()
