"""The kernel's types as C text: what there is, and what it is like."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Types:
    """The kernel's types, as dumped and (for functions, which the dump lacks) as they are; answers what exists."""

    dump: str = field(repr=False)
    raw: bytes = field(repr=False, default=b"")

    def _definition(self, kind_and_name: str) -> str:
        # a search for the text, since taking the whole dump apart takes half a second
        start = self.dump.find(f"\n{kind_and_name} {{\n")
        return "" if start < 0 else self.dump[start : self.dump.find("\n}", start) + 1]

    def has(self, kind_and_name: str) -> bool:
        """Tell whether a type such as `struct unix_sock` is defined."""
        return self._definition(kind_and_name) != ""

    def has_member(self, kind_and_name: str, member: str) -> bool:
        """Tell whether a type has a member (nested anonymous types included)."""
        return re.search(rf"\b{member}\b(\[\d*\])*(: \d+)?;", self._definition(kind_and_name)) is not None

    def member_type(self, kind_and_name: str, member: str) -> str:
        """Return how a member is declared, "" when there is none."""
        found = re.search(rf"^\s*(.*\b{member}\b.*);$", self._definition(kind_and_name), re.MULTILINE)
        return found[1] if found else ""

    def constant(self, name: str) -> int | None:
        """Return the value of an enumerator."""
        found = re.search(rf"^\t{name} = (-?\d+),$", self.dump, re.MULTILINE)
        return int(found[1]) if found else None

    def has_function(self, name: str) -> bool:
        """Tell whether the types name a function of the kernel."""
        return b"\0%s\0" % name.encode() in self.raw

    def has_tracepoint(self, name: str) -> bool:
        """Tell whether a raw tracepoint exists."""
        return f"(*btf_trace_{name})(" in self.dump

    def tracepoint_takes(self, name: str, kind: str) -> bool:
        """Tell whether the first argument of a raw tracepoint is of a type."""
        return f"(*btf_trace_{name})(void *, {kind}" in self.dump
