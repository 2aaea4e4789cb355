"""Many incidents at a receiver that often answers badly: none lost, none doubled."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from breakerd import (
    Alerting,
    AlertingSettings,
    AlertsSettings,
    OpsGenieSettings,
    Registry,
    Settings,
)
from breakerd.alerts.emulator import EmulatedAlert, Emulator
from breakerd.breaker.testing import ManualClock
from tests.support.thoroughness import examples
from tests.support.told import told

INCIDENTS = examples(60)
"""Number of incidents; the other figures are shares of it."""
BAD = {"error": 0.12, "drop": 0.12, "slow": 0.01, "html": 0.05, "unapplied": 0.02}
"""Shares of requests that go wrong, by kind; each is drawn of those that went well so far."""


@pytest.mark.timeout(900)
def test_each_incident_is_one_alert(tmp_path: Path, opsgenie_emulator: Emulator) -> None:
    emulator = opsgenie_emulator
    clock, wall = ManualClock(), ManualClock(1_800_000_000.0)
    registry = Registry(Settings(), clock=clock, memory=lambda: None)
    opsgenie = OpsGenieSettings(
        enabled=True,
        api_key=SecretStr("test-key"),
        api_url=emulator.url,
        alert_cooldown_seconds=0,
        time_before_send_alert=60,
    )
    alerts = AlertsSettings(
        database=str(tmp_path / "x.db"), group_window=0, attach_chart=False, request_timeout=0.5
    )
    for kind, share in BAD.items():
        emulator.fail(kind, share=share, **({"delay": 1.0} if kind == "slow" else {}))
    with Alerting(registry, AlertingSettings(opsgenie, alerts), now=wall) as alerting:

        def until(done: str) -> None:
            for _ in range(300):
                for _ in range(20):
                    alerting.run_once()
                    wall.advance(1)
                found = emulator.alerts()
                if len(found) == INCIDENTS and all(done in _history(each) for each in found):
                    return
            raise AssertionError(f"not all are {done}")

        names = [f"b{number}" for number in range(INCIDENTS)]
        for name in names:
            registry.get(name).force_open("a test")
        until("priority P1")
        for name in names:
            registry.get(name).reset()
        until("closed")
    found = emulator.alerts()
    assert sorted(alert.entity for alert in found) == sorted(names)
    for alert in found:
        steps = [what for what in _history(alert) if what != "note"]
        assert steps == ["created P3", "priority P1", "closed"]
        assert alert.count == 1, "each was asked for before it was sent again"


def _history(alert: EmulatedAlert) -> list[str]:
    return told(alert)
