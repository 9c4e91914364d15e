"""Where chisels are looked up, in sysdig's order, and what is there.

Directories of `SYSDIG_CHISEL_DIR` (the last listed first), the path as given, `./chisels`,
`~/.chisels`, the shipped chisels, and last a sysdig installed beside this one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from sysdig_py import locations
from sysdig_py.errors import UsageError

INSTALLED_SYSDIG: Final = "/usr/share/sysdig/chisels/"
AS_GIVEN: Final = ""


class Script(NamedTuple):
    """A chisel's file: the `name` it was asked for by, its `path` as written, and its text."""

    name: str
    path: str
    source: bytes


class Registry:
    """The chisels that can be reached from here."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Take the search path from `environ` (default: the process environment)."""
        self.dirs = _search_path(os.environ if environ is None else environ)

    @property
    def module_dirs(self) -> list[str]:
        """The folders in which a chisel's `require` looks, after the chisel's own."""
        return [directory for directory in self.dirs if directory != AS_GIVEN]

    def find(self, name: str) -> Script:
        """Return the chisel `name`: `NAME.lua` in any folder, else `NAME` in any folder.

        Raises:
            UsageError: there is none, or it cannot be read.
        """
        path = self._path(name)
        if path:
            return Script(Path(name).name.removesuffix(".lua"), path, _read(path))
        raise UsageError(self._unknown(name))

    def has(self, name: str) -> bool:
        """Whether `find` would find something."""
        return bool(self._path(name))

    def _path(self, name: str) -> str:
        paths = (f"{directory}{name}{suffix}" for suffix in (".lua", "") for directory in self.dirs)
        return next((path for path in paths if name and Path(path).is_file()), "")

    def all(self) -> list[Script]:
        """Return every Lua file of the search path; a name hides the same name in later folders."""
        found: dict[str, str] = {}
        for directory in self.module_dirs:
            for path in sorted(Path(directory).glob("*.lua")):
                found.setdefault(path.stem, f"{directory}{path.name}")
        return [Script(name, path, _read(path)) for name, path in sorted(found.items())]

    def _unknown(self, name: str) -> str:
        known = [p.stem for directory in self.module_dirs for p in Path(directory).glob("*.lua")]
        import difflib

        near = difflib.get_close_matches(name, [k for k in known if not k.startswith("v_")], 1)
        hint = f"did you mean {near[0]}?" if near else "use -cl to list them."
        return f"chisel {name} not found - {hint}"


def _search_path(environ: Mapping[str, str]) -> list[str]:
    own = [d for d in environ.get("SYSDIG_CHISEL_DIR", "").split(";") if d]
    home = Path(environ.get("HOME") or Path.home()) / ".chisels"
    dirs = [*reversed(own), AS_GIVEN, "./chisels/"]
    if home.is_dir():
        dirs.append(str(home))
    dirs += [str(locations.CHISELS), INSTALLED_SYSDIG]
    return [d if d == AS_GIVEN or d.endswith("/") else d + "/" for d in dirs]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"chisel file {path}: {error.strerror}") from error
