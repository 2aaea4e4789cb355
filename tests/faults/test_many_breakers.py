"""10,000 breakers open within a second: few alerts, and memory that is bounded."""

from __future__ import annotations

from pathlib import Path

import psutil
from pydantic import SecretStr

from breakerd import (
    Alerting,
    AlertingSettings,
    AlertsSettings,
    OpsGenieSettings,
    Registry,
    Settings,
)
from breakerd.alerts.emulator import Emulator
from breakerd.breaker.testing import ManualClock

BREAKERS = 10_000
MOST_BYTES = 100_000_000


def test_many_breakers_are_one_alert(tmp_path: Path, opsgenie_emulator: Emulator) -> None:
    wall = ManualClock(1_800_000_000.0)
    registry = Registry(Settings(latency_window_size=8), clock=ManualClock(), memory=lambda: None)
    names = [f"b{number}" for number in range(BREAKERS)]
    for name in names:
        registry.get(name)
    opsgenie = OpsGenieSettings(
        enabled=True,
        api_key=SecretStr("test-key"),
        api_url=opsgenie_emulator.url,
        time_before_send_alert=60,
    )
    alerts = AlertsSettings(database=str(tmp_path / "x.db"), attach_chart=False)
    with Alerting(registry, AlertingSettings(opsgenie, alerts), now=wall) as alerting:
        alerting.run_once()
        before = psutil.Process().memory_info().rss
        for index, name in enumerate(names):
            registry.get(name).force_open("a test")
            if index % 1000 == 0:
                wall.advance(0.1)
                alerting.run_once()
        for _ in range(80):
            wall.advance(1)
            alerting.run_once()
        (alert,) = opsgenie_emulator.alerts()
        assert alert.priority == "P1"
        assert len(alert.notes) <= 5
        assert f"({BREAKERS:,} in all)" in alert.notes[0].what
        (incident,) = alerting.incidents()
        assert incident["breakers_count"] == BREAKERS
        assert psutil.Process().memory_info().rss - before < MOST_BYTES
        for name in names:
            registry.get(name).reset()
        for _ in range(45):
            wall.advance(1)
            alerting.run_once()
        (alert,) = opsgenie_emulator.alerts()
        assert alert.status == "closed"
        assert len(alerting._runtime.incident_log._incidents) == 0
        assert len(alerting._runtime.incident_log._current) == 0
