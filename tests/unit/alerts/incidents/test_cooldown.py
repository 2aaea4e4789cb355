"""The cooldown between two alerts of one breaker and kind."""

from __future__ import annotations

from tests.unit.alerts.conftest import World


def test_cooldown_holds_back_and_never_drops(world: World) -> None:
    world.start(alert_cooldown_seconds=300, resolve_after=0.0)
    world.slow().reset()
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after()
    world.after()
    assert world.history()[-1] == "closed"
    world.slow()
    world.after(100)
    assert len(world.emulator.alerts()) == 1, "within the cooldown"
    world.after(199)
    assert len(world.emulator.alerts()) == 1
    world.after(1)
    assert len(world.emulator.alerts()) == 2, "still open at its end"


def test_what_is_over_before_the_cooldown_ends_is_not_told(world: World) -> None:
    alerting = world.start(alert_cooldown_seconds=300, resolve_after=0.0)
    for _ in range(2):
        world.slow()
        world.after()
        world.registry.get().reset()
        world.after()
        world.after()
    world.after(1000)
    assert len(world.emulator.alerts()) == 1
    assert [i["notified"] for i in alerting.incidents()] == [False, True]


def test_cooldown_counts_from_when_the_last_alert_was_there(world: World) -> None:
    world.start(alert_cooldown_seconds=300, resolve_after=0.0)
    world.emulator.fail("error")
    world.slow()
    world.after()
    world.emulator.heal()
    world.after(200)
    assert len(world.emulator.alerts()) == 1
    world.registry.get().reset()
    world.after()
    world.after()
    world.slow()
    world.after(299)
    assert len(world.emulator.alerts()) == 1
    world.after(1)
    assert len(world.emulator.alerts()) == 2


def test_cooldown_is_per_breaker(world: World) -> None:
    world.start(alert_cooldown_seconds=300)
    world.slow("a")
    world.after()
    world.slow("b")
    world.after()
    assert [alert.entity for alert in world.emulator.alerts()] == ["a", "b"]


def test_opening_ends_the_wait_for_a_thresholds_cooldown(world: World) -> None:
    world.start(alert_cooldown_seconds=300, resolve_after=0.0)
    breaker = world.registry.get()
    for _ in range(2):
        world.slow_without_a_trip()
        world.after(5)
        breaker.reset()
        world.after(5)
        world.after(5)
    world.slow_without_a_trip()
    world.after(5)
    assert len(world.emulator.alerts()) == 1, "the second one is held back"
    breaker.force_open("enough")
    world.after(5)
    assert "opened by an operator" in world.emulator.alerts()[1].message


def test_a_drill_neither_hides_nor_holds_back_what_is_real(world: World) -> None:
    alerting = world.start(alert_cooldown_seconds=300)
    world.registry.get().drills.latency()
    world.after()
    world.registry.get().reset()
    world.after(5)
    world.slow()
    world.after(5)
    assert [alert.message.split()[0] for alert in world.emulator.alerts()] == ["[DRILL]", "default"]
    world.after()
    assert world.history(0)[-1] == "closed", "the drill is over"
    assert [(i["drill"], i["phase"]) for i in alerting.incidents()] == [
        (False, "active"),
        (True, "closed"),
    ]


def test_cooldowns_and_silences_survive_a_restart(world: World) -> None:
    alerting = world.start(alert_cooldown_seconds=300)
    alerting.add_silence(author="ana", reason="migration", seconds=1000, breaker="pay*")
    world.slow()
    world.after()
    alerting = world.restart(alert_cooldown_seconds=300)
    assert [s["author"] for s in alerting.silences()] == ["ana"]
    world.after()
    world.after(61)
    world.slow()
    world.after()
    assert len(world.emulator.alerts()) == 1
