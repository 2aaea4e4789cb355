"""Breakers that are held back: they take nobody into their alert, join none, and raise none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from breakerd.breaker.testing import simulate_call
from tests.unit.alerts.conftest import World

STAGED = {"time_before_send_alert": 60}


@pytest.fixture(autouse=True)
def _grouped(world: World) -> None:
    world.alerts["group_window"] = 30.0


def opened(world: World, *names: str) -> None:
    for name in names:
        world.registry.get(name).force_open("a test")


def silenced(world: World, name: str, seconds: float = 600.0) -> None:
    assert world.alerting is not None
    world.alerting.add_silence(author="ann", reason="known", seconds=seconds, breaker=name)


def test_a_silenced_breaker_takes_nobody_into_its_alert(world: World) -> None:
    world.start(**STAGED)
    silenced(world, "batch")
    opened(world, "batch")
    world.after()
    world.after(58)
    opened(world, "checkout")
    world.after(1)
    (alert,) = world.emulator.alerts()
    assert (alert.entity, alert.priority) == ("checkout", "P3")
    world.after(58)
    assert world.emulator.alerts()[0].priority == "P3", "counted from its own beginning"
    world.after(1)
    assert world.emulator.alerts()[0].priority == "P1"


def test_nor_in_the_same_round_and_it_joins_none(world: World) -> None:
    alerting = world.start(**STAGED)
    silenced(world, "batch")
    opened(world, "batch", "checkout", "pay")
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.entity == "checkout"
    found = {i["breaker"]: i for i in alerting.incidents()}
    assert found["checkout"]["breakers"] == ["checkout", "pay"]
    assert found["batch"]["muted_by"].startswith("silenced by ann until ")
    opened(world, "last")
    world.after(1)
    assert alerting.incidents()[0]["breakers"][-1] == "last" or len(world.emulator.alerts()) == 1


def test_the_same_for_a_maintenance_window(world: World) -> None:
    now = datetime.fromtimestamp(world.wall(), UTC)
    hours = {"begins": f"{now:%H}:00", "ends": f"{(now.hour + 1) % 24:02}:00"}
    world.alerts["maintenance"] = {"nightly": hours | {"matchers": ["breaker=batch"]}}
    world.start()
    opened(world, "batch", "checkout")
    world.after()
    assert [alert.entity for alert in world.emulator.alerts()] == ["checkout"]


def test_the_same_for_inhibition(world: World) -> None:
    rule = {"source": ["breaker=database"], "target": ["breaker!=database"]}
    world.alerts["inhibition"] = {"database": rule}
    alerting = world.start()
    opened(world, "api", "database", "web")
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.entity == "database", "whatever the order in which they are seen"
    held = {i["breaker"]: i["muted_by"] for i in alerting.incidents()}
    assert held["api"] == held["web"] == "explained by database open (database)"


def test_a_member_that_is_silenced_later_does_not_raise_the_alert(world: World) -> None:
    world.start(**STAGED)
    opened(world, "a")
    world.after()
    world.after(29)
    opened(world, "b")
    world.after(1)
    silenced(world, "a")
    world.after(31)
    assert world.emulator.alerts()[0].priority == "P3"
    world.after(28)
    assert world.emulator.alerts()[0].priority == "P1", "of b, which is not silenced"


def test_what_is_freed_together_is_one_alert_at_the_stage_that_is_due(world: World) -> None:
    alerting = world.start(**STAGED)
    silenced(world, "*", 600)
    for name in ("a", "b", "c"):
        opened(world, name)
        world.after(50)
    assert len(alerting.incidents()) == 3
    assert world.emulator.alerts() == []
    world.after(500)
    assert len(world.emulator.alerts()) == 1
    assert world.history() == ["created P1"], "and not through all stages"
    opened(world, "d")
    world.after(1)
    assert len(world.emulator.alerts()) == 1
    for name in ("a", "b", "c", "d"):
        world.registry.get(name).reset()
    world.after()
    world.after(61)
    assert [alert.status for alert in world.emulator.alerts()] == ["closed"]
    assert alerting.stats().pending == 0


def test_one_that_is_freed_alone_has_its_own_alert(world: World) -> None:
    world.start()
    silenced(world, "batch", 100)
    opened(world, "batch", "checkout")
    world.after()
    world.after(101)
    assert [alert.entity for alert in world.emulator.alerts()] == ["checkout", "batch"]


def test_one_in_a_cooldown_joins_none_and_says_until_when(world: World) -> None:
    alerting = world.start(alert_cooldown_seconds=300, resolve_after=0.0)
    opened(world, "a")
    world.after()
    world.registry.get("a").reset()
    world.after()
    world.after()
    opened(world, "a", "b")
    world.after(1)
    assert [alert.entity for alert in world.emulator.alerts()] == ["a", "b"]
    held = {i["breaker"]: i["muted_by"] for i in alerting.incidents() if i["phase"] == "active"}
    assert held["b"] == ""
    assert held["a"].startswith("cooldown until 15 Jan 08:05:00 UTC: ")
    world.after(300)
    assert len(world.emulator.alerts()) == 3
    assert alerting.incidents()[0]["muted_by"] == "" or alerting.incidents()[1]["muted_by"] == ""


def test_another_cause_is_no_repetition(world: World) -> None:
    world.registry.change("default", {"error_threshold": 0.5})
    world.start(alert_cooldown_seconds=300, resolve_after=0.0)
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after()
    world.after()
    for _ in range(10):
        simulate_call(world.registry.get(), world.clock, 50, error=True)
    world.after(1)
    assert len(world.emulator.alerts()) == 2, "errors after latency"


def test_every_breaker_of_an_alert_has_a_cooldown(world: World) -> None:
    world.start(alert_cooldown_seconds=300, resolve_after=0.0)
    opened(world, "a", "b")
    world.after()
    for name in ("a", "b"):
        world.registry.get(name).reset()
    world.after()
    world.after()
    opened(world, "b")
    world.after(1)
    assert len(world.emulator.alerts()) == 1


# --- OBSERVE


def test_what_would_be_open_is_told_until_it_would_be_closed(world: World) -> None:
    alerting = world.start(resolve_after=10.0)
    breaker = world.registry.get()
    breaker.observe()
    for _ in range(40):
        simulate_call(breaker, world.clock, 500)
        world.after(1)
    assert breaker.status()["would_be_state"] in {"OPEN", "HALF_OPEN"}
    (alert,) = world.emulator.alerts()
    assert alert.status == "open"
    (incident,) = alerting.incidents()
    assert (incident["kind"], incident["episodes"]) == ("open", 1)
    for _ in range(100):
        simulate_call(breaker, world.clock, 50)
        world.clock.advance(0.5)
        world.after(1)
    assert breaker.status()["would_be_state"] == "CLOSED"
    assert world.emulator.alerts()[0].status == "closed"


def test_what_only_latency_is_told_of_lasts_as_long(world: World) -> None:
    world.start(trigger_on_breaker_open=False, resolve_after=10.0)
    breaker = world.registry.get()
    breaker.observe()
    for _ in range(40):
        simulate_call(breaker, world.clock, 500)
        world.after(1)
    (alert,) = world.emulator.alerts()
    assert alert.status == "open"
    assert "AlertType:breaker-latency" in alert.tags


# --- closed by hand


def test_closed_by_hand_it_is_told_again_while_it_goes_on(world: World) -> None:
    world.start(**STAGED)
    opened(world, "a")
    world.after()
    world.emulator.close(world.emulator.alerts()[0].alias, by="ann")
    world.after(61)
    world.after(1739)
    assert len(world.emulator.alerts()) == 1
    world.after(62)
    world.after(1)
    assert [alert.status for alert in world.emulator.alerts()] == ["closed", "open"]
    assert world.history(1) == ["created P1"]
