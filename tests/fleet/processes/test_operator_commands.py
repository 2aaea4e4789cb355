"""Commands of an operator to any of four workers: all four have them when they are answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any, Final

import pytest

from tests.support.fleet_processes import PATIENCE
from tests.support.kept_connections import WORKERS, Worker, connected
from tests.support.polling import until
from tests.support.thoroughness import THOROUGH

ROUNDS: Final = 50 if THOROUGH else 2
BREAKER: Final = "breakers/payments"
STATUS: Final = f"{BREAKER}/status"
SETTINGS: Final = """
wait_time = 600
memory_threshold = 99
latency_threshold = 5000
[breakers.payments]
[alerts]
[fleet]
hub = "file"
"""
ALL: Final = f"applied {WORKERS}, waiting 0, silent 0, without this breaker 0"
COMMANDS: Final = [
    # path, state in all afterwards, whether it is told as a drill
    ("disabled", "DISABLED", False),
    ("enabled", "CLOSED", False),
    ("force-open", "FORCED_OPEN", False),
    ("reset", "CLOSED", False),
    ("observe", "OBSERVE", False),
    ("enabled", "CLOSED", False),
    ("trip", "OPEN", False),
    ("reset", "CLOSED", False),
    ("trigger-by-latency", "OPEN", True),
    ("reset", "CLOSED", False),
    ("trigger-by-memory", "OPEN", True),
    ("restore-memory-check", "", True),
    ("reset", "CLOSED", False),
]
LIMIT: Final = 0.5
"""Seconds until all have a command."""


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Worker]]:
    with connected(tmp_path_factory.mktemp("service"), SETTINGS) as running:
        yield running


@pytest.mark.timeout(3600 if THOROUGH else 600)
def test_all_four_have_a_command_when_it_is_answered(workers: list[Worker]) -> None:
    seconds: dict[str, list[float]] = {}
    for number in range(ROUNDS * len(COMMANDS)):
        path, state, drill = COMMANDS[number % len(COMMANDS)]
        asked = workers[(number + number // len(COMMANDS)) % WORKERS]
        began = time.monotonic()
        answer = asked.send("POST", f"{BREAKER}/{path}")
        seconds.setdefault(path, []).append(time.monotonic() - began)
        assert answer["fleet"]["text"] == ALL, path
        own = [worker.get(f"{STATUS}?scope=process") for worker in workers]
        assert [each["drill"] for each in own] == [drill] * WORKERS, path
        if not state:  # it recovers by itself
            assert all(each["memory_ok"] for each in own)
            continue
        assert [each["state"] for each in own] == [state] * WORKERS, path
        told = [worker.get(STATUS) for worker in workers]
        assert [(each["state"], each["members"]) for each in told] == [
            (state, {state.lower(): WORKERS})
        ] * WORKERS, path
    _report(seconds)
    until(lambda: len({str(_audit(worker)) for worker in workers}) == 1)
    given = [path for path, _, _ in COMMANDS] * ROUNDS
    assert len(_audit(workers[0])) >= min(len(given), 1000)


def test_silences_and_settings_are_soon_those_of_all_four(workers: list[Worker]) -> None:
    seconds: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        asked = workers[number % WORKERS]
        body = {"breaker": "payments", "author": "ada", "reason": "r", "seconds": 600}
        began = time.monotonic()
        made = asked.send("POST", "silences", body)["id"]
        until(lambda: all(made in _silences(worker) for worker in workers), pause=0.01)  # noqa: B023
        seconds.setdefault("silence", []).append(time.monotonic() - began)
        threshold = 1000 + number
        began = time.monotonic()
        asked.send("PATCH", f"{BREAKER}/config", {"latency_threshold": threshold})
        until(_all_have(workers, threshold), pause=0.01)
        seconds.setdefault("setting", []).append(time.monotonic() - began)
    _report(seconds, asserted=False)
    until(lambda: len({str(_audit(worker)) for worker in workers}) == 1)


def _all_have(workers: list[Worker], threshold: int) -> Callable[[], bool]:
    def have() -> bool:
        found = [worker.get(f"{BREAKER}/config")["latency_threshold"] for worker in workers]
        return found == [threshold] * WORKERS

    return have


def _silences(worker: Worker) -> set[str]:
    return {each["id"] for each in worker.get("silences")["silences"]}


def _audit(worker: Worker) -> list[tuple[Any, ...]]:
    entries = worker.get("audit?limit=1000")["entries"]
    return [(each["at"], each["action"], str(each["after"])) for each in entries]


def _report(seconds: dict[str, list[float]], *, asserted: bool = True) -> None:
    """Print how long each took (see them with -rP); assert it in a thorough run."""
    for name, took in seconds.items():
        took.sort()
        middle, most = took[len(took) // 2], took[ceil(0.99 * len(took)) - 1]
        print(f"{name}: p50 {middle:.3f}, p99 {most:.3f}, longest {took[-1]:.3f} s of {len(took)}")
        assert not (THOROUGH and asserted) or most <= LIMIT * PATIENCE, name
