"""The receiver is down for an hour, and asks for pauses."""

from __future__ import annotations

import pytest

from tests.unit.alerts.conftest import World, world  # noqa: F401 - the fixture

HOUR = 3600


def flap(world: World, times: int) -> None:  # noqa: F811 - the fixture
    """The breaker opens and recovers, each time for good as far as anybody can tell."""
    for _ in range(times):
        world.registry.get("a").force_open("a test")
        for _ in range(20):
            world.after(15)
        world.registry.get("a").reset()
        for _ in range(28):
            world.after(15)


@pytest.mark.parametrize("missed", ["notify", "drop"])
@pytest.mark.parametrize("still_open", [True, False])
@pytest.mark.parametrize("fault", ["down", "error", "html"])
def test_an_hour_without_the_receiver_is_one_alert_at_most(
    world: World,  # noqa: F811 - the fixture
    missed: str,
    fault: str,
    *,
    still_open: bool,
) -> None:
    world.alerts["on_missed_incident"] = missed
    alerting = world.start(time_before_send_alert=60)
    world.emulator.fail(fault)
    before = world.wall()
    flap(world, 5)
    assert world.wall() - before >= HOUR
    if still_open:
        world.registry.get("a").force_open("again")
        world.after(30)
    world.emulator.heal()
    for _ in range(10):
        world.after(15)
    alerts = world.emulator.alerts()
    assert len(alerts) == (1 if still_open or missed == "notify" else 0)
    if still_open:
        assert alerts[0].status == "open"
        assert alerts[0].message.startswith("a opened by an operator 1 h"), "the newest truth"
        assert "now P1: again" in alerts[0].message
        assert alerts[0].priority == "P1"
    elif alerts:
        assert alerts[0].status == "closed"
        assert "came back 4 times" in alerts[0].notes[-1].what
    assert alerting.stats().pending == 0


def test_not_one_request_in_any_of_many_windows(world: World) -> None:  # noqa: F811 - the fixture
    world.start(time_before_send_alert=60)
    for window in range(5):
        world.emulator.fail("rate_limit", times=1, delay=40)
        for number in range(4):
            world.registry.get(f"w{window}-{number}").force_open("a test")
        before = len(world.emulator.requests)
        world.after()
        asked = len(world.emulator.requests)
        assert asked == before + 1, "the one that was answered with 429"
        for _ in range(39):
            world.after(1)
        assert len(world.emulator.requests) == asked, "not one in the window"
        for _ in range(5):
            world.after(1)
    for _ in range(70):
        world.after(1)
    alerts = world.emulator.alerts()
    assert len(alerts) == 20
    assert all(alert.priority == "P1" for alert in alerts)


def test_the_urgent_goes_first_after_a_pause(world: World) -> None:  # noqa: F811 - the fixture
    world.start(time_before_send_alert=60)
    world.registry.get("old").force_open("a test")
    world.after()
    world.after(30)
    world.emulator.fail("rate_limit", times=1, delay=40)
    for number in range(10):
        world.registry.get(f"new{number}").force_open("a test")
    world.after()
    before = len(world.emulator.requests)
    world.after(41)
    writes = [r for r in world.emulator.requests[before:] if r.method != "GET"]
    assert writes[0].method == "PUT", "the escalation before the new alerts"
