"""Views: chisels that describe a table for an interactive viewer instead of printing one themselves."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from sysdig_py import filter as event_filter
from sysdig_py.errors import FilterError
from sysdig_py.schema import fields

# a column without a field, or with one that only its key is for
NO_FIELD: Final = frozenset({"", "NA"})
_DEPTH: Final = re.compile(r"%depth([+-]1)?")


class Column(NamedTuple):
    """A column of a view; `colsize` is None for the width of its type, 0 for the rest of the line."""

    name: str
    description: str
    field: str
    colsize: int | None
    is_key: bool
    is_groupby_key: bool
    is_sorting: bool
    aggregation: str
    groupby_aggregation: str
    tags: tuple[str, ...]
    filter_in_child_only: bool
    filterfield: str


class Action(NamedTuple):
    """A shell command for the selected row: `%FIELD` in it stands for that column's value."""

    hotkey: str
    command: str
    description: str
    wait_finish: bool
    ask_confirmation: bool


class View(NamedTuple):
    """What a view's `view_info` says, complete with the defaults.

    `view_type` is "table" (a row per key), "list" (a row per event) or "spectrogram". `applies_to` names the fields
    that a selection may be of, "" for the whole machine. `filter` may hold `%depth`, which `filter_at` fills in.
    """

    id: str
    name: str
    description: str
    tips: tuple[str, ...]
    tags: tuple[str, ...]
    view_type: str
    applies_to: tuple[str, ...]
    filter: str
    use_defaults: bool
    is_root: bool
    drilldown_target: str
    drilldown_increase_depth: bool
    propagate_filter: bool
    spectro_type: str
    columns: tuple[Column, ...]
    actions: tuple[Action, ...]

    @property
    def keys(self) -> tuple[Column, ...]:
        """The columns whose values tell the rows apart."""
        return tuple(column for column in self.columns if column.is_key)

    @property
    def sorting_column(self) -> int:
        """Position of the column that rows are sorted by: the chosen one, else the first that is shown."""
        chosen = [i for i, column in enumerate(self.columns) if column.is_sorting]
        grouped = any(column.is_groupby_key for column in self.columns)
        return chosen[0] if chosen else 2 if grouped else 1

    def columns_for(self, tag: str) -> tuple[Column, ...]:
        """Return the columns shown with a tag: "default", or "containers" (-pc)."""
        return tuple(column for column in self.columns if not column.tags or tag in column.tags)

    def filter_at(self, depth: int) -> str:
        """Return the filter at so many steps down."""
        return _DEPTH.sub(lambda match: str(depth + int(match[1] or 0)), self.filter)

    def problems(self) -> list[str]:
        """Return what in the view cannot be shown here: fields nobody knows, a filter that does not compile."""
        names = {name for column in self.columns for name in (column.field, column.filterfield)}
        unknown = [f"unknown field {name}" for name in sorted(names - NO_FIELD) if fields.find(name) is None]
        try:
            event_filter.compile(self.filter_at(1))
        except FilterError as error:
            unknown.append(str(error))
        return unknown


def view_from(table: Any) -> View:
    """Return the view in a table of `chisel/view.lua`."""
    return View(
        **(_facts(table, View) | {"columns": _all(table, "columns", Column), "actions": _all(table, "actions", Action)})
    )


def _all(table: Any, key: str, kind: Any) -> tuple[Any, ...]:
    return tuple(kind(**_facts(entry, kind)) for entry in table[key.encode()].values())


def _facts(table: Any, kind: Any) -> dict[str, Any]:
    return {name: _value(table[name.encode()]) for name in kind._fields if name not in ("columns", "actions")}


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        return int(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    return tuple(_value(item) for item in value.values())
