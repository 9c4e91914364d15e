"""The Docker engine that all container tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.container.engine import Engine, EngineLack, start_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Yield a running engine; without one the test is skipped, or fails if SYSDIG_PY_REQUIRE_DOCKER=1."""
    try:
        running = start_engine()
    except EngineLack as lack:
        if os.environ.get("SYSDIG_PY_REQUIRE_DOCKER") == "1":
            pytest.fail(f"no Docker engine: {lack}")
        pytest.skip(f"no Docker engine: {lack}")
    try:
        yield running
    finally:
        running.stop()
