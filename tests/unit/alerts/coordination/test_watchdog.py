"""Alerting that has stopped is told: by health, readiness, metrics, and no heartbeat."""

from __future__ import annotations

import threading

import pytest

from breakerd import create_app
from breakerd.alerts.coordination.watchdog import Watchdog
from breakerd.alerts.delivery.dispatcher_thread import SignOfLife
from breakerd.breaker.testing import ManualClock
from tests.support.admin_client import Client
from tests.unit.alerts.conftest import World

BEAT = "payments"


def test_thirty_seconds_without_a_round_are_too_many() -> None:
    clock, wall = ManualClock(), ManualClock(1_800_000_000.0)
    watchdog = Watchdog(clock, wall, lambda: True, list)
    assert watchdog.not_running()
    clock.advance(1000)
    assert watchdog.problem == "", "not started"
    watchdog.start()
    clock.advance(30)
    assert watchdog.problem == ""
    clock.advance(1)
    assert watchdog.not_running()
    assert watchdog.problem == "alerting has stopped: no round for 31 s; restart the process"
    watchdog.complete_round()
    assert watchdog.problem == ""
    assert not watchdog.not_running()
    assert watchdog.last_round_at == wall()
    clock.advance(1000)
    watchdog.stop()
    assert watchdog.problem == ""


def metrics(world: World) -> dict[str, float]:
    assert world.alerting is not None
    app = create_app(world.registry, world.alerting)
    lines = Client(app, stranger=True).get("/metrics").text.splitlines()
    found = (line.split() for line in lines if line.startswith("breakerd_alerting_"))
    return {name: float(value) for name, value in found}


def readiness(world: World) -> tuple[int, bool, str]:
    assert world.alerting is not None
    answer = Client(create_app(world.registry, world.alerting), stranger=True).get("/readyz")
    body = answer.json()
    return answer.status_code, body["ready"], body["checks"]["alerting"]


def test_rounds_that_fail_turn_readiness_and_a_metric_and_no_heartbeat_is_pinged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.emulator.add_heartbeat(BEAT, interval=1)
    alerting = world.start(heartbeat=BEAT)
    world.after(1)
    world.after(1)
    last = world.wall()
    assert readiness(world) == (200, True, "ok")
    assert metrics(world) == {
        "breakerd_alerting_last_round_timestamp_seconds": last,
        "breakerd_alerting_stalled": 0,
    }
    asked = len(world.emulator.requests)

    def fail(_now: float) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(alerting._runtime.observer, "poll", fail)
    for _ in range(31):
        alerting._runtime.worker._try(alerting.run_once)
        world.wall.advance(1)
    assert alerting.health()["stalled"] is True
    not_running, stopped, *_ = alerting.health()["problems"]
    assert stopped == "alerting has stopped: no round for 31 s; restart the process"
    assert not_running == f"nobody is being paged: {stopped}"
    assert alerting.not_running() == {"alerting": not_running}
    assert readiness(world) == (503, False, "not running")
    assert metrics(world) == {
        "breakerd_alerting_last_round_timestamp_seconds": last,
        "breakerd_alerting_stalled": 1,
    }
    assert len(world.emulator.requests) == asked, "no ping"
    monkeypatch.undo()
    alerting.run_once()
    assert readiness(world) == (200, True, "ok")


def test_readiness_needs_no_thread_of_the_pool(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start()

    def full(*_: object) -> None:
        raise AssertionError("the pool is full")

    monkeypatch.setattr("anyio.to_thread.run_sync", full)
    assert readiness(world)[0] == 200


def test_a_delivery_that_hangs_is_told(world: World) -> None:
    alerting = world.start()
    (sender,) = alerting._runtime.pipeline._threads.values()
    clock = ManualClock()
    sender._alive = SignOfLife(lambda: True, clock)
    sender._thread = threading.current_thread()
    sender._alive.give()
    clock.advance(alerting.settings.alerts.request_timeout + 30)
    assert not alerting.health()["stalled"]
    clock.advance(1)
    assert alerting.health()["problems"][0].startswith("delivery to opsgenie has stopped")
    assert alerting.health()["stalled"]
    assert readiness(world) == (503, False, "failing")
    assert sender._alive(), "each request is a sign of life"
    assert not alerting.health()["stalled"]
    sender._thread = None
