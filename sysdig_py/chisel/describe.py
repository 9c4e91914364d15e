"""What a chisel says about itself, read without a capture.

The script's body runs in the engine's sandbox, where the chisel API does not exist; so a listing
cannot start anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sysdig_py.chisel.modules import read_module
from sysdig_py.chisel.registry import Registry, Script
from sysdig_py.engine.vm import Runtime
from sysdig_py.errors import UsageError

if TYPE_CHECKING:
    from sysdig_py.chisel.view import View


class Argument(NamedTuple):
    """One entry of a chisel's `args`; `argtype` is informational but for `filter`."""

    name: str
    argtype: str
    description: str
    optional: bool


class Description(NamedTuple):
    """What the globals of a chisel's script say."""

    name: str
    description: str
    short_description: str
    category: str
    hidden: bool
    is_view: bool
    has_args: bool
    args: tuple[Argument, ...]

    @property
    def is_listed(self) -> bool:
        """Whether `-cl` shows it: helper modules have no description, views no place there."""
        return bool(self.description and self.has_args) and not self.hidden and not self.is_view


class Describer:
    """Reads descriptions with one Lua runtime for all of them."""

    def __init__(self, registry: Registry) -> None:
        """Let the scripts' `require` find the modules of `registry`."""
        self._registry = registry
        runtime = Runtime()
        runtime.require("chisel.loader")[b"set_reader"](read_module)
        module = runtime.require("chisel.describe")
        self._describe, self._view = module[b"describe"], module[b"view"]
        self._dirs = runtime.table([os.fsencode(d) for d in registry.module_dirs])

    def describe(self, script: Script) -> Description:
        """Return what `script` says about itself.

        Raises:
            UsageError: the script cannot be run, or its globals have wrong types.
        """
        answer = self._describe(os.fsencode(script.path), script.source, self._dirs)
        if isinstance(answer, tuple):
            raise UsageError(f"Failed to load chisel {script.name}: {_text(answer[1])}")
        return _description(script.name, answer)

    def view(self, script: Script) -> View:
        """Return the view that `script` describes.

        Raises:
            UsageError: the script cannot be run, or is no proper view.
        """
        from sysdig_py.chisel.view import view_from

        answer = self._view(os.fsencode(script.path), script.source, self._dirs)
        if isinstance(answer, tuple):
            raise UsageError(f"Failed to load view {script.name}: {_text(answer[1])}")
        return view_from(answer)

    def views(self) -> Iterator[View]:
        """Yield every view of the search path; of two with the same id the first."""
        seen: set[str] = set()
        for script in self._registry.all():
            try:
                view = self.view(script)
            except UsageError:
                # no view, or none that can be used: `-i` tells why
                continue
            if view.id not in seen:
                seen.add(view.id)
                yield view

    def find(self, name: str) -> Description:
        """Return the description of the chisel `name`.

        Raises:
            UsageError: there is no such chisel, or it cannot be read.
        """
        return self.describe(self._registry.find(name))

    def all(self) -> Iterator[Description]:
        """Yield the description of every chisel that can be read; helper modules are among them."""
        for script in self._registry.all():
            try:
                yield self.describe(script)
            except UsageError:
                # not a chisel: a module that needs what only a running chisel has
                continue


@cache
def describer(registry: Registry) -> Describer:
    """Return the one that reads the chisels of `registry`."""
    return Describer(registry)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _description(name: str, table: Any) -> Description:
    return Description(
        name=name,
        description=_text(table[b"description"] or b""),
        short_description=_text(table[b"short_description"] or b""),
        category=_text(table[b"category"]),
        hidden=table[b"hidden"],
        is_view=table[b"is_view"],
        has_args=table[b"has_args"],
        args=tuple(_argument(entry) for entry in table[b"args"].values()),
    )


def _argument(entry: Any) -> Argument:
    return Argument(
        name=_text(entry[b"name"]),
        argtype=_text(entry[b"argtype"]),
        description=_text(entry[b"description"]),
        optional=entry[b"optional"],
    )
