"""Rounds on a thread of their own."""

from __future__ import annotations

import threading

import pytest
from pydantic import SecretStr

from breakerd import (
    Alerting,
    AlertingSettings,
    AlertsSettings,
    OpsGenieSettings,
)
from tests.unit.alerts.conftest import KEY, World


def test_runs_and_drains_by_itself(world: World) -> None:
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), resolve_after=0.0),
    )
    emulator = world.emulator
    with Alerting(world.registry, settings):
        breaker = world.slow()
        assert emulator.wait_for(lambda: bool(emulator.alerts()))
        breaker.reset()
    assert emulator.alerts()[0].status == "closed"


def test_a_round_that_fails_is_not_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), attach_chart=False),
    )
    alerting = Alerting(world.registry, settings)
    failed = threading.Event()

    def fail_once(*_: object) -> None:
        monkeypatch.undo()
        failed.set()
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(alerting._observer, "poll", fail_once)
    with alerting:
        assert failed.wait(10)
        world.slow()
        assert world.emulator.wait_for(lambda: bool(world.emulator.alerts()))
    assert "alert round failed" in caplog.text
