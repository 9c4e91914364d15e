"""The progress bar of -P, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


@contextmanager
def shown(name: str, console: Console | None = None) -> Iterator[Callable[[float], None]]:
    """Show a bar for the file `name` while the context lasts; yields what takes the percentages."""
    console = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=100.0)
        yield lambda percent: bar.update(task, completed=percent)
        bar.update(task, completed=100.0)
