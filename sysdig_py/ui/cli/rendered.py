"""Tables of rich as text, written like any other: what goes wrong with that is not rich's to decide."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console, RenderableType


def write_rendered(out: TextIO, *parts: RenderableType, width: int | None = None) -> None:
    """Write tables and lines to `out`; `width`: columns, None for those of the terminal."""
    console = Console(file=out, highlight=False, width=width)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    # cells are padded to the width of their column, and the last one would be, too
    out.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())
