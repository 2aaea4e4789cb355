"""A dependency that is down for all, or a path that is broken for one."""

from __future__ import annotations

import time

import pytest

from tests.support.fleet_processes import (
    PATIENCE,
    Dependency,
    Process,
    closed_port,
    most_in_a_second,
)
from tests.support.polling import until

FLEETS = ["workers", pytest.param("pods", marks=pytest.mark.needs("redis-server"))]
DETECTION = 3.0 * PATIENCE
"""Seconds from the first failure anywhere to the last process that rejects."""
PROBES = 5
"""Probes to the dependency in any second while it is down."""


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> list[Process]:
    found: list[Process] = request.getfixturevalue(request.param)
    return found


def test_all_reject_soon_and_probe_together(fleet: list[Process], dependency: Dependency) -> None:
    dependency.down = True
    opened = [process.wait_for("OPEN") for process in fleet]
    first = dependency.failures()[0]
    assert max(opened) - first <= DETECTION
    last = max(opened) + 1  # calls that were on their way
    until(lambda: len(dependency.failures(last)) >= 3)
    assert most_in_a_second(dependency.failures(last)) <= PROBES
    dependency.down = False
    for process in fleet:
        process.wait_for("CLOSED", since=last)


def test_a_path_that_is_broken_for_one_opens_only_there(
    fleet: list[Process], dependency: Dependency
) -> None:
    with closed_port() as port:
        began = time.monotonic()
        fleet[0].ask("call", port)
        fleet[0].wait_for("OPEN", since=began)
        calls = len(dependency.calls)
        # A second of the others' calls: the views after it have told of the trouble.
        until(lambda: len(dependency.calls) >= calls + 75)
        assert [process.ask("state") for process in fleet[1:]] == ["CLOSED"] * 3
        assert not [each for process in fleet[1:] for each in process.states if each[1] >= began]
    fleet[0].ask("call", dependency.port)
    fleet[0].wait_for("CLOSED", since=began)
