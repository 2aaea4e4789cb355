"""An operator's command to any process reaches all of them, and the answer says so."""

from __future__ import annotations

import time
from math import ceil

import pytest

from tests.support.fleet_processes import PATIENCE, Process
from tests.support.thoroughness import THOROUGH

ALL = "applied 4, waiting 0, silent 0, without this breaker 0"
ROUNDS = 50 if THOROUGH else 1
FLEETS = [
    ("workers", 0.5),
    pytest.param("pods", 1.5, marks=pytest.mark.needs("redis-server")),
]


@pytest.mark.timeout(600 if ROUNDS == 1 else 3600)
@pytest.mark.parametrize(("kind", "limit"), FLEETS)
def test_a_command_to_any_process_is_in_force_in_all(
    kind: str, limit: float, request: pytest.FixtureRequest
) -> None:
    fleet: list[Process] = request.getfixturevalue(kind)
    steps = [
        ("disable", "DISABLED"),
        ("enable", "CLOSED"),
        ("force_open", "FORCED_OPEN"),
        ("reset", "CLOSED"),
        ("observe", "OBSERVE"),
        ("enable", "CLOSED"),
        ("trip", "OPEN"),
        ("reset", "CLOSED"),
        ("drill_latency", "OPEN"),
        ("reset", "CLOSED"),
        ("drill_memory", "OPEN"),
        ("reset", "CLOSED"),
    ]
    took: list[float] = []
    for number, (name, state) in enumerate(steps * ROUNDS):
        began = time.monotonic()
        text, _ = fleet[(number + number // len(steps)) % 4].ask("command", name)
        assert text == ALL, name
        entered = [process.wait_for(state, since=began) for process in fleet]
        took.append(max(entered) - began)
    took.sort()
    most = took[ceil(0.99 * len(took)) - 1]
    print(f"p50 {took[len(took) // 2]:.3f}, p99 {most:.3f}, longest {took[-1]:.3f} s")
    assert not THOROUGH or most <= limit * PATIENCE


def test_a_trip_that_the_state_does_not_allow_is_refused(workers: list[Process]) -> None:
    workers[0].ask("command", "disable")
    assert "cannot trip" in workers[1].ask("command", "trip")
