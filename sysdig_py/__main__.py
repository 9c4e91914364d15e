"""`python -m sysdig_py`: the command line."""

from __future__ import annotations

from sysdig_py.ui.cli.main import program

if __name__ == "__main__":
    program()
