"""`python -m sysdig_py`: the command line."""

from __future__ import annotations

import sys

from sysdig_py.ui.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
