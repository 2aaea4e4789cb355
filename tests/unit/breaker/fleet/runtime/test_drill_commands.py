"""Drills reach all processes of a fleet, once each, and are marked in all of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import BreakerStateError, State
from breakerd.breaker.fleet.runtime import commands
from tests.support.fleet_members import BreakableHub, Member

Make = Callable[..., Member]


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "ANSWER_TIME", 60.0)


@pytest.fixture
def pair(make: Make) -> tuple[Member, Member]:
    one, other = make("a"), make("b")
    one.called()
    other.called()
    return one, other


def drilled(pair: tuple[Member, Member]) -> list[tuple[State, bool]]:
    """Return the state of the breaker in each process, and whether it is told as a drill."""
    breakers = [each.registry.get("payments") for each in pair]
    return [(breaker.state, breaker.status()["drill"]) for breaker in breakers]


def test_a_latency_drill_trips_all(pair: tuple[Member, Member]) -> None:
    one, other = pair
    result = one.fleet.drill_latency("payments", by="ada")
    assert (result.applied, result.waiting, result.state) == (2, 0, State.OPEN)
    assert drilled(pair) == [(State.OPEN, True)] * 2
    assert other.registry.get("payments").drills.simulated_calls > 0
    other.fleet.reset("payments", by="ada")
    assert drilled(pair) == [(State.CLOSED, False)] * 2


def test_a_memory_drill_lasts_in_all_until_it_is_ended(pair: tuple[Member, Member]) -> None:
    one, other = pair
    assert one.fleet.drill_memory("payments").applied == 2
    assert drilled(pair) == [(State.OPEN, True)] * 2
    assert not any(each.registry.get("payments").status()["memory_ok"] for each in pair)
    assert other.fleet.end_memory_drill("payments").applied == 2
    assert all(each.registry.get("payments").status()["memory_ok"] for each in pair)


def test_a_drill_that_nobody_can_show_is_refused(pair: tuple[Member, Member]) -> None:
    one, other = pair
    one.fleet.trip("payments")
    with pytest.raises(BreakerStateError, match="needs it closed"):
        other.fleet.drill_latency("payments")
    one.fleet.disable("payments")
    with pytest.raises(BreakerStateError, match="cannot drill"):
        other.fleet.drill_memory("payments")


def test_a_drill_that_one_cannot_show_is_told(pair: tuple[Member, Member]) -> None:
    one, other = pair
    one.registry.get("payments").trip()
    result = other.fleet.drill_latency("payments")
    assert (result.applied, len(result.refused)) == (1, 1)
    assert drilled(pair) == [(State.OPEN, False), (State.OPEN, True)]


def test_a_drill_is_never_replayed(pair: tuple[Member, Member], make: Make) -> None:
    pair[0].fleet.drill_memory("payments")
    third = make("c").called()
    assert (third.state, third.status()["drill"]) == (State.CLOSED, False)
    for each in pair:
        each.registry.get("payments").reset()
        each.meet()
    assert drilled(pair) == [(State.CLOSED, False)] * 2


def test_a_drill_while_the_hub_is_away_is_one_of_this_process(
    pair: tuple[Member, Member], hub: BreakableHub
) -> None:
    hub.away = True
    result = pair[0].fleet.drill_latency("payments")
    assert (result.applied, result.silent) == (1, 1)
    assert "in this process only" in result.problem
    assert drilled(pair) == [(State.OPEN, True), (State.CLOSED, False)]
