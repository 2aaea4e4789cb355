"""Fixtures for pytest.

Load them in `conftest.py`:

    pytest_plugins = ["breakerd.alerts.emulator.pytest_plugin"]

Example:
    def test_pages(opsgenie_emulator: Emulator) -> None:
        ...  # with the key "test-key", let something page opsgenie_emulator.url
        assert opsgenie_emulator.wait_for(opsgenie_emulator.alerts)
"""

from collections.abc import Iterator
from typing import Final

import pytest

from breakerd.alerts.emulator.server import Emulator

API_KEY: Final = "test-key"
"""The key that the fixtures' emulators take; of a user, it is the token."""


@pytest.fixture
def opsgenie_emulator() -> Iterator[Emulator]:
    """A running emulator on a free port of loopback, which carries writes out at once."""
    with Emulator(api_keys={API_KEY}, delay=0.0) as emulator:
        yield emulator


@pytest.fixture
def jsm_emulator() -> Iterator[Emulator]:
    """The same for Jira Service Management, of any cloud id."""
    with Emulator(mode="jsm", api_keys={API_KEY}, delay=0.0) as emulator:
        yield emulator
