"""Failures across threads, restarts and the end of the process."""

from __future__ import annotations

import time

from pydantic import SecretStr

from breakerd import (
    Alerting,
    AlertingSettings,
    AlertsSettings,
    OpsGenieSettings,
)
from tests.unit.alerts.conftest import KEY, World


def test_what_was_not_told_before_a_restart_is_told_after(world: World) -> None:
    world.start()
    world.emulator.fail("down")
    world.slow()
    world.after()
    world.restart()
    world.emulator.heal()
    world.slow()
    world.after(120)
    assert len(world.emulator.alerts()) == 1


def test_draining_waits_for_what_was_taken(world: World) -> None:
    world.emulator._alerts.delay = 0.5
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), attach_chart=False),
    )
    with Alerting(world.registry, settings) as alerting:
        world.slow()
        assert world.emulator.wait_for(lambda: bool(world.emulator.requests))
        runtime = alerting._runtime
    assert runtime.status.stats().counts == {("opsgenie", "delivered"): 1}


def test_stops_in_time_while_a_receiver_hangs(world: World) -> None:
    world.emulator.fail("slow", delay=30)
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), request_timeout=20.0),
    )
    alerting = Alerting(world.registry, settings)
    alerting.start()
    world.slow()
    assert world.emulator.wait_for(lambda: bool(world.emulator.requests))
    before = time.monotonic()
    alerting.close()
    assert time.monotonic() - before < 5, "the process has to end in this time"
