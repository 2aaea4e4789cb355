"""An admin plane whose alerts go to a real emulator."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from breakerd import Alerting, AlertingSettings, AlertsSettings, OpsGenieSettings, Registry
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.api.app import create_app
from breakerd.breaker.testing import ManualClock
from tests.support.admin_client import Client


class Plane:
    """An admin plane whose alerts go to a real emulator."""

    def __init__(self, registry: Registry, emulator: Emulator, database: Path) -> None:
        self.registry = registry
        self.emulator = emulator
        self.wall = ManualClock(1_800_000_000.0)
        opsgenie = OpsGenieSettings(
            enabled=True,
            api_key=SecretStr(API_KEY),
            api_url=emulator.url,
            team="payments",
            environment="prod",
            bookmaker_id="b1",
            heartbeat="payments",
        )
        alerts = AlertsSettings(database=str(database), group_window=0.0, attach_chart=False)
        self.alerting = Alerting(registry, AlertingSettings(opsgenie, alerts), now=self.wall)
        self.client = Client(create_app(registry, self.alerting))

    def run(self, seconds: float = 1.0) -> None:
        self.wall.advance(seconds)
        self.alerting.run_once()

    def trip(self, name: str) -> str:
        """Opens a breaker; the id of its alert."""
        self.registry.get(name).trip("they deploy")
        self.run()
        found = self.client.get("/alerts").json()["alerts"]
        return str(next(alert["id"] for alert in found if alert["breaker"] == name))

    def give_up(self, name: str = "payments") -> str:
        """An alert that the receiver refused, in its full form and in its smallest."""
        self.emulator.fail("html", status=422, path="POST /v2/alerts")
        alert_id = self.trip(name)
        self.run()
        self.emulator.heal()
        return alert_id
