"""Heartbeats of a running alerting, at a real emulator."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from breakerd import Alerting, AlertingSettings, AlertsSettings, OpsGenieSettings, Registry
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.alerts.heartbeat.clients import OpsGenieHeartbeat
from breakerd.alerts.heartbeat.heartbeat import HeartbeatState
from breakerd.alerts.heartbeat.heartbeats import ConfiguredHeartbeat, Heartbeats, heartbeat_problems
from breakerd.alerts.receivers.base import UnavailableError
from breakerd.alerts.settings.receivers import JsmOpsSettings, ReceiversSettings
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.conftest import World

BEAT = "payments beat/1"


def asked(emulator: Emulator) -> list[str]:
    """Requests for heartbeats."""
    paths = [entry.path for entry in emulator.requests if "/heartbeats" in entry.path]
    return ["ping" if path.endswith("/ping") else "look" for path in paths]


@pytest.fixture
def beating(world: World) -> World:
    """Alerting with a heartbeat that exists."""
    world.emulator.add_heartbeat(BEAT, interval=1)
    world.start(heartbeat=BEAT)
    return world


def pulse_of(world: World) -> Alerting:
    assert world.alerting is not None
    return world.alerting


def test_it_is_pinged_after_rounds_that_succeeded(beating: World) -> None:
    for _ in range(60):
        beating.after(1)
    assert asked(beating.emulator) == ["look", "ping", "ping", "ping"]
    shown = beating.emulator.heartbeat(BEAT)
    assert shown is not None
    assert shown["lastPingTime"]
    stats = pulse_of(beating).stats()
    assert beating.wall() - 20 <= stats.last_heartbeat["opsgenie"] <= beating.wall()
    assert pulse_of(beating).problems() == []


def test_not_while_alerts_cannot_leave(beating: World) -> None:
    beating.after(1)
    beating.emulator.fail("error", path="POST /v2/alerts")
    beating.slow()
    for _ in range(120):
        beating.after(1)
    assert asked(beating.emulator) == ["look"]
    beating.emulator.heal()
    for _ in range(120):
        beating.after(1)
    assert "ping" in asked(beating.emulator)


def test_not_while_the_key_is_refused(beating: World) -> None:
    beating.emulator.api_keys = frozenset({"another"})
    beating.slow()
    for _ in range(120):
        beating.after(1)
    assert asked(beating.emulator) == []


def test_not_while_a_pause_is_asked_for(beating: World) -> None:
    beating.emulator.fail("rate_limit", delay=100, times=1)
    beating.slow()
    for _ in range(99):
        beating.after(1)
    assert asked(beating.emulator) == []


def test_not_by_a_process_that_does_not_send(beating: World) -> None:
    beating.after(1)
    settings = pulse_of(beating).settings
    other = Alerting(beating.make_registry(), settings, now=beating.wall)
    other.start()
    before = len(asked(beating.emulator))
    for _ in range(60):
        beating.wall.advance(1)
        other.run_once()
        pulse_of(beating)._runtime.worker.run_round(settings)
    assert len(asked(beating.emulator)) == before
    other.close()


def test_one_that_does_not_exist_is_among_the_problems(world: World) -> None:
    alerting = world.start(heartbeat="payments")
    world.after(1)
    assert any("no heartbeat 'payments'" in problem for problem in alerting.problems())
    assert not alerting.health()["ok"]
    assert asked(world.emulator) == ["look"]


def test_another_name_counts_at_once(beating: World) -> None:
    beating.emulator.add_heartbeat("other", interval=1)
    beating.after(1)
    alerting = pulse_of(beating)
    opsgenie = alerting.settings.opsgenie.model_copy(update={"heartbeat": "other"})
    alerting.apply(AlertingSettings(opsgenie, alerting.settings.alerts))
    beating.after(1)
    beating.after(1)
    assert beating.emulator.requests[-1].path == "/v2/heartbeats/other/ping"


def test_a_running_alerting_pings_by_itself(opsgenie_emulator: Emulator, tmp_path: Path) -> None:
    opsgenie_emulator.add_heartbeat(BEAT, interval=1)
    opsgenie = OpsGenieSettings(
        enabled=True,
        api_key=SecretStr(API_KEY),
        api_url=opsgenie_emulator.url,
        team="t",
        heartbeat=BEAT,
    )
    settings = AlertingSettings(opsgenie, AlertsSettings(database=str(tmp_path / "alerts.db")))
    with Registry() as registry, Alerting(registry, settings):
        assert opsgenie_emulator.wait_for(lambda: "ping" in asked(opsgenie_emulator), timeout=20)


JSM = {"cloud_id": "site", "user": "ada@example.com", "key": API_KEY, "heartbeat": BEAT}


def jsm_settings(emulator: Emulator, **more: str) -> AlertingSettings:
    receiver = JsmOpsSettings.model_validate({**JSM, "api_url": emulator.url, **more})
    return AlertingSettings(
        alerts=AlertsSettings(receivers=ReceiversSettings(jsm_ops={"ops": receiver}))
    )


def test_one_of_jira_service_management(jsm_emulator: Emulator) -> None:
    team = jsm_emulator.add_team("payments")
    jsm_emulator.add_heartbeat(BEAT, interval=1)
    pulse = Heartbeats(jsm_settings(jsm_emulator, heartbeat_team=team), threaded=False)
    for now in (1.0, 2.0):
        pulse.run_due(now, {"jsm_ops.ops": now}.__getitem__)
    pulse.close()
    assert asked(jsm_emulator) == ["look", "ping"]
    assert pulse.last_success == {"jsm_ops.ops": 2.0}
    assert pulse.problems() == []


@pytest.mark.parametrize("team", ["", "nobody"])
def test_one_of_jira_that_does_not_exist(jsm_emulator: Emulator, team: str) -> None:
    real = jsm_emulator.add_team("payments")
    settings = jsm_settings(jsm_emulator, heartbeat_team=team or real)
    pulse = Heartbeats(settings, threaded=False)
    pulse.run_due(1.0, {"jsm_ops.ops": 1.0}.__getitem__)
    pulse.close()
    assert [f"there is no heartbeat {BEAT!r}" in problem for problem in pulse.problems()] == [True]


def test_what_cannot_be_pinged_is_told(jsm_emulator: Emulator) -> None:
    assert heartbeat_problems(jsm_settings(jsm_emulator)) == [
        "[alerts.receivers.jsm_ops.ops] has a heartbeat, and no heartbeat_team"
    ]
    (problem,) = heartbeat_problems(
        AlertingSettings(OpsGenieSettings(flavour="jsm", heartbeat="payments"))
    )
    assert "an integration of Jira Service Management has no heartbeats" in problem


def test_no_heartbeat_shows_a_secret(caplog: pytest.LogCaptureFixture, world: World) -> None:
    caplog.set_level(0)
    world.emulator.fail("down")
    alerting = world.start(heartbeat=BEAT, api_key=SecretStr("very-secret-key"))
    for _ in range(60):
        world.after(1)
    assert "cannot be pinged" in " ".join(alerting.problems())
    assert "very-secret-key" not in caplog.text + " ".join(alerting.problems())


@pytest.mark.parametrize("answer", [{}, {"interval": 1, "intervalUnit": "moons", "enabled": True}])
def test_an_answer_that_is_no_heartbeat(answer: dict[str, object]) -> None:
    with RecordingServer(lambda _: Reply(200, {"data": answer})) as receiver:
        client = OpsGenieHeartbeat(BEAT, SecretStr(API_KEY), 5.0, receiver.url)
        with pytest.raises(UnavailableError, match="no heartbeat in"):
            client.find()
        client.close()


class Held:
    """A heartbeat that responds when it is released."""

    name = BEAT

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked = threading.Semaphore(0)
        self.closed = threading.Event()

    def find(self) -> HeartbeatState | None:
        self.asked.release()
        self.let_go.wait(30)
        raise RuntimeError("whatever nobody has thought of")

    def ping(self) -> None: ...

    def close(self) -> None:
        self.closed.set()


def held_pulse(monkeypatch: pytest.MonkeyPatch) -> tuple[Held, Heartbeats]:
    """A pulse with one heartbeat that hangs."""
    held = Held()
    configured = [ConfiguredHeartbeat("opsgenie", "one", lambda: held)]
    monkeypatch.setattr(
        "breakerd.alerts.heartbeat.heartbeats.configured_heartbeats", lambda _settings: configured
    )
    pulse = Heartbeats(AlertingSettings(), threaded=True)
    pulse.run_due(1.0, {"opsgenie": 1.0}.__getitem__)
    assert held.asked.acquire(timeout=30)
    return held, pulse


def test_one_that_hangs_holds_up_nobody_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    held, pulse = held_pulse(monkeypatch)
    for now in (2.0, 3.0, 60.0):
        pulse.run_due(now, {"opsgenie": now}.__getitem__)
    assert not held.asked.acquire(blocking=False)
    pulse.close()
    assert not held.closed.is_set()
    held.let_go.set()
    assert held.closed.wait(30)


def test_one_that_is_over_is_asked_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    held, pulse = held_pulse(monkeypatch)
    held.let_go.set()
    pulse.close()
    assert held.closed.wait(30)
    pulse.run_due(60.0, {"opsgenie": 60.0}.__getitem__)
    assert not held.asked.acquire(blocking=False)
