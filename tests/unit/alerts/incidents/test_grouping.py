"""Breakers that open together, and incidents that were over before they were sent."""

from __future__ import annotations

from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.conftest import World


def open_all(world: World, *names: str) -> None:
    for name in names:
        world.registry.get(name).force_open("a test")


def reset_all(world: World, *names: str) -> None:
    for name in names:
        world.registry.get(name).reset()


def test_breakers_that_open_together_are_one_alert(world: World) -> None:
    world.alerts["group_window"] = 30.0
    alerting = world.start()
    open_all(world, "a", "b", "c")
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.message.startswith("a, b, c opened by an operator: ")
    (incident,) = alerting.incidents()
    assert incident["breakers"] == ["a", "b", "c"]
    reset_all(world, "a", "b")
    world.after(1)
    world.after(3600)
    assert world.emulator.alerts()[0].status == "open", "one is still open"
    reset_all(world, "c")
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "closed"


def test_who_opens_shortly_after_joins_the_alert(world: World) -> None:
    world.alerts["group_window"] = 30.0
    world.start()
    open_all(world, "a")
    world.after()
    open_all(world, "b")
    world.after(29)
    world.after(2)
    open_all(world, "c")
    world.after(20)
    world.after(2)
    assert len(world.emulator.alerts()) == 1
    assert world.notes() == ["Also affected: b (2 in all).", "Also affected: c (3 in all)."]
    open_all(world, "d")
    world.after(31)
    assert len(world.emulator.alerts()) == 2


def test_one_of_several_that_opens_again_is_one_more_episode(world: World) -> None:
    world.alerts["group_window"] = 30.0
    alerting = world.start()
    open_all(world, "a", "b")
    world.after()
    reset_all(world, "b")
    world.after(1)
    open_all(world, "b")
    world.after(1)
    (incident,) = alerting.incidents()
    assert incident["episodes"] == 2
    assert len(world.emulator.alerts()) == 1


def test_several_that_open_again_together_are_one_more_episode(world: World) -> None:
    world.alerts["group_window"] = 30.0
    alerting = world.start()
    for _ in range(3):
        open_all(world, "a", "b", "c", "d")
        world.after(1)
        reset_all(world, "a", "b", "c", "d")
        world.after(1)
    (incident,) = alerting.incidents()
    assert incident["episodes"] == 3


def test_drills_and_other_kinds_of_trouble_do_not_join(world: World) -> None:
    world.alerts["group_window"] = 30.0
    world.start()
    open_all(world, "a")
    world.registry.get("b").drills.latency()
    world.after()
    world.slow_without_a_trip("c")
    world.after()
    assert len(world.emulator.alerts()) == 3


def test_a_group_survives_a_restart(world: World) -> None:
    world.alerts["group_window"] = 30.0
    world.start()
    open_all(world, "a", "b")
    world.after()
    alerting = world.restart()
    assert alerting.incidents()[0]["breakers"] == ["a", "b"]
    open_all(world, "b")
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "open"
    reset_all(world, "b")
    world.after()
    world.after(61)
    assert [alert.status for alert in world.emulator.alerts()] == ["closed"]


# --- missed incidents


def flap(world: World, times: int) -> None:
    for _ in range(times):
        open_all(world, "a")
        world.after(60)
        reset_all(world, "a")
        world.after(600)
        world.after(61)


def test_what_was_missed_is_one_late_alert_that_is_closed_at_once(world: World) -> None:
    alerting = world.start(time_before_send_alert=60)
    world.emulator.fail("down")
    flap(world, 5)
    world.emulator.heal()
    world.after(61)
    world.after(1)
    (alert,) = world.emulator.alerts()
    assert alert.priority == "P5"
    assert alert.message.startswith("[OVER] a ")
    assert alert.status == "closed"
    assert "came back 4 times" in alert.notes[-1].what
    assert alert.history[0].what == "created P5"
    assert alerting.stats().pending == 0
    assert list(alerting._runtime.incident_log) == []


def test_what_was_missed_is_not_told_if_that_is_wanted(world: World) -> None:
    world.alerts["on_missed_incident"] = "drop"
    alerting = world.start()
    world.emulator.fail("down")
    flap(world, 1)
    world.emulator.heal()
    world.after(61)
    assert world.emulator.alerts() == []
    assert alerting.stats().pending == 0


def test_what_goes_on_is_told_once_with_the_newest_truth(world: World) -> None:
    world.start()
    world.emulator.fail("down")
    flap(world, 4)
    open_all(world, "a")
    world.after(1)
    world.emulator.heal()
    world.after(61)
    (alert,) = world.emulator.alerts()
    assert (alert.status, alert.priority) == ("open", "P3")
    assert not alert.message.startswith("[OVER]")


def test_what_a_silence_held_back_until_it_was_over_is_not_told(world: World) -> None:
    alerting = world.start()
    alerting.add_silence(author="ann", reason="deploying", seconds=3600)
    flap(world, 1)
    world.after(3600)
    assert world.emulator.alerts() == []
    assert alerting.incidents()[0]["muted_by"].startswith("silenced by ann until ")


def test_a_receiver_that_missed_several_is_told_of_the_last(world: World) -> None:
    with RecordingServer(lambda _request: Reply(503)) as room:
        world.alerts["receivers"] = {"slack": {"room": {"url": room.url}}}
        alerting = world.start(resolve_after=1.0)
        for _ in range(3):
            open_all(world, "a")
            world.after(1)
            reset_all(world, "a")
            world.after(60)
            world.after(60)
        assert len(world.emulator.alerts()) == 3, "OpsGenie heard of each"
        room.requests.clear()
        room.answer = lambda _request: Reply(200, "ok")
        for _ in range(5):
            world.after(61)
        told = [request.json["text"] for request in room.requests]
        assert len([text for text in told if "🚨" in text]) == 1
        assert alerting.stats().pending == 0


def test_of_very_many_the_figures_of_some_are_read_and_the_text_says_so(world: World) -> None:
    world.alerts["group_window"] = 30.0
    world.start()
    open_all(world, *(f"b{number}" for number in range(300)))
    world.after()
    (alert,) = world.emulator.alerts()
    assert "Figures: of 200 of 300 breakers." in alert.description
    assert "b299" in alert.description
