"""`--explain`: what of the filters runs where, and what becomes of each event. Captures nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from sysdig_py.capture import kernel
from sysdig_py.capture.demand import Consumer, Demand
from sysdig_py.capture.explanation import Fate, fates, parts
from sysdig_py.capture.options import LiveOptions
from sysdig_py.capture.pushdown import push_down

_WIDTH: Final = 110
_WITHOUT: Final = "--no-pushdown: the kernel sends every event, the engine judges every filter."
_EVERY: Final = "every event"
_SHORT: Final = 4  # lines of names
_PLACES: Final = {"kernel": "kernel", "engine": "engine", "both": "kernel, then engine"}


def explain_replay(names: Sequence[str]) -> str:
    """Return what there is to say about saved traces."""
    return f"{', '.join(names)}: a saved trace; the engine judges every filter\n"


def explain_live(demand: Demand, options: LiveOptions, *, pushdown: bool, verbose: bool) -> str:
    """Return what a live capture would do; `verbose`: with the names of all calls."""
    lines = _events(demand, verbose=verbose) if pushdown else [_WITHOUT]
    latency = _latency(demand.latency if pushdown else _EVERY, options)
    return "\n".join([*lines, "", *_data(options), latency]) + "\n"


def _latency(asked: str, options: LiveOptions) -> str:
    if not options.latency:
        return "Time in calls: not measured (--no-latency)."
    if not asked:
        return "Time in calls: not measured, since nobody asks for it (no field evt.latency, no trace)."
    return f"Time in calls: measured, for {asked}."


def _data(options: LiveOptions) -> list[str]:
    rest = f"{options.data_bytes} bytes of each buffer are kept"
    if not options.snaplen_rules:
        return [f"Data: {rest}."]
    rules = [f"  {rule.filter.text}: {rule.length} bytes" for rule in options.snaplen_rules]
    return ["Data, by the first rule that holds (kernel):", *rules, f"  else {rest}"]


def _events(demand: Demand, *, verbose: bool) -> list[str]:
    arch = kernel.machine()
    lines = _filters(demand, arch)
    lack = push_down(demand, arch).why
    if lack:
        lines += ["", f"The kernel judges no condition: {lack}."]
    lines += ["", "System calls:"]
    for fate in fates(demand, arch):
        lines += _fate(fate, verbose=verbose)
    return [*lines, "  (exits of processes, births and execs always arrive)"]


def _filters(demand: Demand, arch: str) -> list[str]:
    lines = _filter(demand.capture, arch)
    if demand.wants_all:
        return [*lines, f"What it accepts is wanted: {demand.wants_all}."]
    for consumer in demand.consumers:
        lines += _filter(consumer, arch)
    return lines


def _filter(consumer: Consumer, arch: str) -> list[str]:
    if not consumer.filter_text:
        return [f"{consumer.name}: none"]
    found = parts(consumer, arch)
    return [
        f"{consumer.name}: {consumer.filter_text}",
        *(f"  {part.text}\n    {_PLACES[part.place]}: {part.why}" for part in found),
    ]


def _fate(fate: Fate, *, verbose: bool) -> list[str]:
    names = textwrap.wrap(" ".join(fate.calls), _WIDTH - 4)
    if len(names) > _SHORT and not verbose:
        names = [*names[: _SHORT - 1], "... (-v names all)"]
    return [f"  {len(fate.calls)} {fate.meaning}:", *(f"    {line}" for line in names)]
