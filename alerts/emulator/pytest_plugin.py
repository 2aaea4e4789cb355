"""Pytest fixtures that run the emulator; one line in `conftest.py` loads them.

Example:
    pytest_plugins = ["breakerd.alerts.emulator.pytest_plugin"]

    def test_pages(opsgenie_emulator: Emulator) -> None:
        ...  # with the key "test-key", send an alert to opsgenie_emulator.url
        assert opsgenie_emulator.wait_for(opsgenie_emulator.alerts)
"""

from collections.abc import Iterator
from typing import Final

import pytest

from breakerd.alerts.emulator.server import Emulator

API_KEY: Final = "test-key"
"""Valid key of the emulators that the fixtures run; for a user, the valid token."""


@pytest.fixture
def opsgenie_emulator() -> Iterator[Emulator]:
    """Run an emulator of OpsGenie on a free loopback port; it executes writes at once."""
    with Emulator(api_keys={API_KEY}, delay=0.0) as emulator:
        yield emulator


@pytest.fixture
def jsm_emulator() -> Iterator[Emulator]:
    """Run an emulator of Jira Service Management, likewise; any cloud id is valid."""
    with Emulator(mode="jsm", api_keys={API_KEY}, delay=0.0) as emulator:
        yield emulator
