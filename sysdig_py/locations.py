"""Where the project's own files and its caches are; the only place that knows directories."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """Return a shipped folder: inside the package when installed, beside it in a checkout."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


PROBE: Final = _shipped("probe")
CHISELS: Final = _shipped("chisels")
LUA: Final = _PACKAGE / "engine" / "lua"


def cache() -> Path:
    """Return the cache folder (`$XDG_CACHE_HOME/sysdig-py`, root: /var/cache/sysdig-py), made 0700."""
    if os.geteuid() == 0 and "XDG_CACHE_HOME" not in os.environ:
        path = Path("/var/cache/sysdig-py")
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sysdig-py"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
