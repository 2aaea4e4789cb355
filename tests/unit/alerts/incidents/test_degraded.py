"""Alerts about degraded breakers that do not open."""

from __future__ import annotations

import pytest

from breakerd import Breaker, LoadReading, State
from breakerd.breaker.testing import simulate_call
from tests.unit.alerts.conftest import UNSET, World

SLO = {"success_rate": 0.95, "timeout": 1.0, "warmup": 0.0}


def serve(world: World, calls: int, *, failing: int = 0) -> Breaker:
    """Make calls; of each ten, `failing` fail."""
    breaker = world.registry.get()
    for n in range(calls):
        simulate_call(breaker, world.clock, 100, error=n % 10 < failing)
    return breaker


@pytest.fixture
def missed(world: World) -> Breaker:
    """A breaker whose service level is missed, and was notified."""
    world.registry.change("default", {"slo": SLO})
    world.start(time_before_send_alert=60)
    breaker = serve(world, 100, failing=2)
    world.after()
    return breaker


def test_a_missed_level_is_told_at_once_and_softly(world: World, missed: Breaker) -> None:
    (alert,) = world.emulator.alerts()
    assert alert.priority == "P4"
    assert alert.message.startswith("default misses its service level: 20% fail or time out")
    assert "AlertType:breaker-degraded" in alert.tags
    assert missed.state is State.CLOSED
    world.after(3600)
    assert world.history() == ["created P4"], "there is nothing to escalate"


def test_it_is_closed_when_the_level_is_kept_again(world: World, missed: Breaker) -> None:
    serve(world, 300)
    assert missed.healthy
    world.after(1)
    world.after(60)
    assert world.emulator.alerts()[0].status == "closed"


def test_a_breaker_that_opens_then_is_the_same_incident_at_its_own_priority(
    world: World, missed: Breaker
) -> None:
    world.after(600)
    serve(world, 100, failing=10)
    assert missed.state is State.OPEN
    world.after()
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.priority == "P3"
    world.after(59)
    assert world.emulator.alerts()[0].priority == "P3", "counted from when it opened"
    world.after(1)
    world.after()
    assert world.emulator.alerts()[0].priority == "P1"


def test_it_can_be_silenced_alone(world: World) -> None:
    world.registry.change("default", {"slo": SLO})
    alerting = world.start()
    alerting.add_silence(kind="degraded", author="ada", reason="known", seconds=600)
    serve(world, 100, failing=3)
    world.after()
    assert world.emulator.alerts() == []


def test_it_can_be_turned_off(world: World) -> None:
    world.registry.change("default", {"slo": SLO})
    world.start(trigger_on_degraded=False)
    serve(world, 100, failing=3)
    world.after()
    assert world.emulator.alerts() == []


def test_its_priority_can_be_set(world: World) -> None:
    world.registry.change("default", {"slo": SLO})
    world.start(degraded_priority="P5")
    serve(world, 100, failing=2)
    world.after()
    assert world.emulator.alerts()[0].priority == "P5"


def test_a_load_that_is_too_high_is_told_at_once_and_softly(world: World) -> None:
    breaker = world.registry.get()
    load = {"cpu_pressure": 60.0}
    breaker._core.readings._load = lambda: LoadReading(**load)  # type: ignore[arg-type]  # figures only
    world.start()
    world.registry.change("default", {"load.cpu_pressure_threshold": 40.0})
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.priority == "P4"
    assert "CPU pressure 60% (limit 40%)" in alert.message
    assert breaker.state is State.CLOSED
    load["cpu_pressure"] = 1.0
    world.clock.advance(1)
    breaker.tick()
    world.after(1)
    world.after(60)
    assert world.emulator.alerts()[0].status == "closed"


def test_a_breaker_that_opens_after_trouble_is_raised_by_one_message(world: World) -> None:
    world.registry.change("default", {"slo": SLO})
    world.start(time_before_send_alert=UNSET)
    serve(world, 100, failing=2)
    world.after()
    world.after(120)
    assert world.history() == ["created P4"]
    serve(world, 100, failing=10)
    world.after()
    world.after(1)
    assert world.history() == ["created P4", "priority P2"], "and no note beside it"
