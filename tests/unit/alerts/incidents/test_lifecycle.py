"""Incidents from their opening to their end, at a real emulator, on driven clocks."""

from __future__ import annotations

from tests.unit.alerts.conftest import World

STAGED = {"time_before_send_alert": 60}


def test_low_priority_first_then_escalated_then_closed(world: World) -> None:
    world.start(**STAGED)
    breaker = world.slow()
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.priority == "P3"
    assert alert.message.startswith("default OPEN: p95 latency 500 ms (limit 300 ms)")
    world.after(59)
    assert world.emulator.alerts()[0].priority == "P3"
    world.after(1)
    assert world.emulator.alerts()[0].priority == "P1"
    breaker.reset()
    world.after(10)
    assert world.emulator.alerts()[0].status == "open", "it is watched for the quiet time"
    world.after(60)
    assert world.emulator.alerts()[0].status == "closed"
    (note,) = world.notes()
    assert note.startswith("Over: it lasted 1 min 10 s.")
    assert "Ended by: somebody reset it. Report: breakerd incident " in note
    world.after(3600)
    assert world.stages() == ["created P3", "priority P1", "closed"]
    assert len(world.emulator.alerts()) == 1


def test_one_stage_goes_out_at_once_at_its_priority(world: World) -> None:
    world.start(priority="P2")
    world.slow()
    world.after()
    assert world.emulator.alerts()[0].priority == "P2"
    world.after(3600)
    assert world.history() == ["created P2"]


def test_without_the_reset_trigger_people_close(world: World) -> None:
    world.start(trigger_on_breaker_reset=False)
    world.slow().reset()
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "open"
    assert world.notes()[-1].startswith("Over: it lasted")


def test_a_breaker_that_opens_by_latency_is_one_incident(world: World) -> None:
    world.start()
    world.slow()
    world.memory = 0.9
    world.clock.advance(1)
    world.registry.get().tick()
    world.after()
    world.after(5)
    assert len(world.emulator.alerts()) == 1


def test_a_threshold_alone_is_worth_an_alert(world: World) -> None:
    world.start(trigger_on_breaker_open=False, trigger_on_latency_threshold=False)
    world.registry.get().observe()
    world.memory = 0.9
    world.clock.advance(1)
    world.registry.get().tick()
    world.after()
    (alert,) = world.emulator.alerts()
    assert (
        alert.message
        == "default memory high: service memory 90% used (limit 80%), nothing rejected (OBSERVE)"
    )
    assert "AlertType:breaker-memory" in alert.tags
    world.memory = 0.1
    world.clock.advance(1)
    world.registry.get().tick()
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "closed"


def test_what_is_not_triggered_is_not_told(world: World) -> None:
    world.start(
        trigger_on_breaker_open=False,
        trigger_on_latency_threshold=False,
        trigger_on_memory_threshold=False,
    )
    world.slow()
    world.after()
    assert world.emulator.alerts() == []


def test_a_flapping_breaker_makes_one_incident(world: World) -> None:
    world.start()
    for _ in range(12):
        world.slow()
        world.after(5)
        world.registry.get().reset()
        world.after(5)
    world.after(60)
    (alert,) = world.emulator.alerts()
    assert alert.status == "closed"
    assert alert.count == 1
    assert world.notes()[-1].startswith("Over: it lasted 2 min and came back 11 times. ")
    flaps = [note for note in world.notes() if note.startswith("Opened and closed")]
    assert len(flaps) == 1, "a minute after the last message"
    assert flaps[0].startswith("Opened and closed 6 times in the last 55 s; ")


def test_a_drill_is_marked(world: World) -> None:
    world.start()
    world.registry.get().drills.latency()
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.message.startswith("[DRILL] default OPEN")
    assert "Drill:true" in alert.tags
    assert alert.details["Drill"] == "true"
    assert "This is a drill" in alert.description


def test_a_drill_after_a_recovery_is_not_the_old_incident(world: World) -> None:
    world.start()
    world.slow().reset()
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after(5)
    world.registry.get().drills.latency()
    world.after()
    world.after()
    assert [alert.status for alert in world.emulator.alerts()] == ["closed", "open"]
    assert world.emulator.alerts()[1].message.startswith("[DRILL]")


def test_a_drill_in_the_midst_of_trouble_leaves_it_as_it_is(world: World) -> None:
    world.start()
    world.slow()
    world.after()
    world.registry.get().trip(drill=True)
    world.after()
    (alert,) = world.emulator.alerts()
    assert (alert.status, alert.message[:7]) == ("open", "default")


def test_a_threshold_that_then_opens_the_breaker_stays_one_incident(world: World) -> None:
    alerting = world.start(alert_cooldown_seconds=300)
    breaker = world.slow_without_a_trip()
    world.after()
    assert world.emulator.alerts()[0].message.startswith("default slow: p95 latency 900 ms")
    breaker.force_open("too slow to go on")
    world.after(1)
    world.after(1)
    (alert,) = world.emulator.alerts()
    assert world.notes() == ["Now open: too slow to go on."]
    assert [i["kind"] for i in alerting.incidents()] == ["open"]
    assert alert.count == 1


def test_what_opened_before_alerting_began_is_told_with_its_evidence(world: World) -> None:
    world.slow()
    world.memory = 0.95
    other = world.registry.get("other")
    other.observe()
    other.tick()
    world.start()
    world.after()
    assert [alert.message.split(": ")[1][:19] for alert in world.emulator.alerts()] == [
        "p95 latency 500 ms ",
        "service memory 95% ",
    ]


def test_an_operators_word_is_told(world: World) -> None:
    world.start()
    world.registry.get("db").force_open("migrating the database")
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.message == "db opened by an operator: migrating the database; all calls rejected"
    world.registry.get("db").disable()
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "closed"


def test_a_restart_goes_on_where_it_was(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    world.restart(**STAGED)
    world.slow()
    world.after(61)
    (alert,) = world.emulator.alerts()
    assert (alert.count, alert.priority) == (1, "P1")
    world.restart(**STAGED)
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "closed"
    world.restart()
    assert list(world.alerting._runtime.incident_log) == []  # type: ignore[union-attr]


def test_an_incident_of_a_breaker_that_is_gone_is_closed(world: World) -> None:
    world.start()
    world.slow("old")
    world.after()
    world.restart()
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "closed"
