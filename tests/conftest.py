from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from breakerd.breaker.logging import relaying
from tests.support.system_packages import installed
from tests.support.thoroughness import use_profile

pytest_plugins = ["breakerd.alerts.emulator.pytest_plugin", "pytester"]

CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

use_profile()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the transcripts in tests/golden/data anew; refused in CI",
    )


def pytest_configure(config: pytest.Config) -> None:
    if CI and config.getoption("--update-golden"):
        raise pytest.UsageError("--update-golden: CI compares transcripts, and writes none")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests go first, so that at the end no worker waits for another."""
    items.sort(key=lambda item: "faults" not in item.path.parts)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose program is not installed; under CI that is a failure."""
    for marker in item.iter_markers("needs"):
        (part,) = marker.args
        if not installed(part):
            (pytest.fail if CI else pytest.skip)(f"needs {part}, which is not installed")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not depend on what the shell they are started from has set."""
    for name in list(os.environ):
        if name.startswith(("OPSGENIE_", "BREAKERD_")) or name == "Environment":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _nothing_relayed_afterwards() -> Iterator[None]:
    """A test that leaves alerting running would take the log records of all that follow."""
    yield
    left, relaying.relay = relaying.relay, None
    assert left is None, "alerting still runs: its log records are relayed"
