#!/usr/bin/env bash
# Run the tests in the given files or folders (default: all).
#
# Kernel and container tests run where this machine can run them, and are required there: nothing that could
# run is skipped in silence. Where it cannot, pytest's summary names the reason.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PYTHON=.venv/bin/python
export PATH=$PATH:/usr/sbin:/sbin

environment=$("$PYTHON" -m tests.abilities)
eval "$environment"
exec "$PYTHON" -m pytest "${@:-tests}"
