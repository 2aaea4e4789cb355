"""A pytest fixture: `pytest_plugins = ["alerts.emulator.fixture"]`, then ask for the emulator."""

from collections.abc import Iterator

import pytest

from alerts.emulator.server import Emulator


@pytest.fixture
def opsgenie_emulator() -> Iterator[Emulator]:
    """A running emulator on a free port of loopback, which takes the key `test-key`."""
    with Emulator(api_keys={"test-key"}, delay=0.0) as emulator:
        yield emulator
