"""What all tests share: marks by folder, skips with the reason, hypothesis profiles."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.abilities import ABILITIES

_HERE = Path(__file__).parent

# A shared or slow machine must not make a property test fail by its clock.
settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("default"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of tests/kernel, tests/container and tests/oracle their marks."""
    for item in items:
        parts = item.path.relative_to(_HERE).parts if item.path.is_relative_to(_HERE) else ()
        if parts and parts[0] in ABILITIES:
            item.add_marker(parts[0])


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, and say why; fail instead where it was promised to run."""
    for mark, (reason, variable) in ABILITIES.items():
        why = reason() if item.get_closest_marker(mark) else ""
        if why and os.environ.get(variable) == "1":
            pytest.fail(f"{variable} is set, but: {why}", pytrace=False)
        elif why:
            pytest.skip(why)
