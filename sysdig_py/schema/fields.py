"""The field catalogue: every name a filter, a format or a chisel may use.

One row per field: name, type, flags, one-line meaning. Types are the parameter types of the event
schema. Flags: `F` filter only, `P` display only, `A` argument required, `a` argument optional.
The getters live in `engine/lua/fields/`; a test holds the two lists together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sysdig_py.schema.events import load_data


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `name`, value `type`, `flags` and `meaning`."""

    name: str
    type: str
    flags: str
    meaning: str


@cache
def fields() -> dict[str, Field]:
    """Return the catalogue by name, in listing order."""
    return {row[0]: Field(*row) for row in load_data("fields")}
