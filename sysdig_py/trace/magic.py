"""How a native trace begins; apart from its format, so that telling traces apart loads nothing else."""

from __future__ import annotations

from typing import Final

MAGIC: Final = b"\x8fSPY\r\n\x1a\n"
