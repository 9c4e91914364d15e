"""Deep visibility into a Linux host and its containers.

The flow, and the names of what is met on the way:

    sysdig_py.open(path), sysdig_py.live(seconds=...)   the events of a trace, or of this machine now
      .filter("container.name = web and evt.failed = true")   sysdig's filters; several must all accept
      .select("evt.rawtime", "proc.name", "fd.name")          fields become columns
        .batches()                      pyarrow.RecordBatch by RecordBatch, one pass, bounded memory
        .arrow(), .pandas(), .polars()  all of it as one table
        .reader()                       an Arrow stream
        .stats                          what the pass read and lost

* An **event** is a system call (or a switch, a signal, a fault ...) of a **thread**, with its arguments, its result
  and its **latency**; enter events are in .scap traces only.
* A **field** names something about an event: `evt.type`, `proc.name`, `fd.sport`. `sysdig-py -l` lists them.
* A **filter** is a condition on fields.
* A **trace** is a file of events and of the state behind them: processes, descriptors, containers, users.
* A **capture** is reading events from the running kernel. What it could not keep is counted as **lost**.

Errors are `sysdig_py.errors.SysdigPyError`s: a `UsageError` or `FilterError` for what makes no sense, a `TraceError`
for a file, an `EnvironmentLack` for what this machine lacks, a `RightsError` without root. docs/python.md has examples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sysdig_py.export.sources import live
    from sysdig_py.export.sources import open_trace as open

__all__ = ["live", "open"]


def __getattr__(name: str) -> Any:
    # the command line must not pay for what only scripts use
    if name not in __all__:
        raise AttributeError(f"module 'sysdig_py' has no attribute '{name}'")
    from sysdig_py.export import sources

    return {"open": sources.open_trace, "live": sources.live}[name]
