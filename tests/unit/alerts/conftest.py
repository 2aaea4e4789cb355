from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr

from breakerd import (
    Alerting,
    AlertingSettings,
    AlertsSettings,
    Breaker,
    OpsGenieSettings,
    Registry,
    Settings,
)
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.fleet.link import FleetLink, NoFleet
from breakerd.breaker.testing import ManualClock, simulate_call

KEY = "test-key"
UNSET: Final = object()
"""Value of a key of `[opsgenie]` that is not set."""


class World:
    """A registry on a driven clock, its alerting, and a real emulator that is paged."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.database = folder / "breakerd.db"
        self.clock = ManualClock()
        self.wall = ManualClock(1_800_000_000.0)
        self.memory = 0.2
        self.registry = self.make_registry()
        self.alerting: Alerting | None = None
        self.fleet: FleetLink = NoFleet()
        self.alerts: dict[str, object] = {
            "group_window": 0.0,
            "remind_after": 0.0,
            "degraded_after": 0.0,
            "attach_chart": False,
        }
        """Settings of `[alerts]`: each breaker has its own alert, told at once, unless changed."""

    def make_registry(self) -> Registry:
        return Registry(
            Settings(latency_threshold=300), clock=self.clock, memory=lambda: self.memory
        )

    def start(self, *, resolve_after: float = 60.0, **opsgenie: object) -> Alerting:
        """Alerting with these settings; it loads the database if there was one before."""
        wanted: dict[str, object] = {
            "enabled": True,
            "api_key": SecretStr(KEY),
            "api_url": self.emulator.url,
            "team": "payments",
            "environment": "prod",
            "bookmaker_id": "b1",
            "hostname": "box",
            "alert_cooldown_seconds": 0,
            "time_before_send_alert": 0,
        }
        settings = AlertingSettings(
            OpsGenieSettings.model_validate(
                {key: value for key, value in (wanted | opsgenie).items() if value is not UNSET}
            ),
            AlertsSettings.model_validate(
                {"database": str(self.database), "resolve_after": resolve_after} | self.alerts
            ),
        )
        self.alerting = Alerting(self.registry, settings, now=self.wall)
        self.alerting.fleet = self.fleet
        self.alerting.start()
        return self.alerting

    def restart(self, **opsgenie: Any) -> Alerting:
        """As after a crash: another process, with breakers that know nothing."""
        assert self.alerting is not None
        self.alerting._runtime.pipeline.close()
        self.alerting._runtime.store.close()
        self.registry = self.make_registry()
        return self.start(**opsgenie)

    def after(self, seconds: float = 0.0) -> None:
        """Lets time pass for alerting, and does a round."""
        assert self.alerting is not None
        self.wall.advance(seconds)
        self.alerting.run_once()

    def slow(self, name: str = "default") -> Breaker:
        """Makes a breaker trip on latency."""
        breaker = self.registry.get(name)
        for _ in range(10):
            simulate_call(breaker, self.clock, 500)
        return breaker

    def slow_without_a_trip(self, name: str = "default") -> Breaker:
        """Make one call in ten slow: latency is above its threshold, and does not trip."""
        breaker = self.registry.get(name)
        self.registry.change(name, {"trend_analysis_enabled": True})
        for number in range(10):
            simulate_call(breaker, self.clock, 900 if number == 9 else 50)
        assert not breaker.triggered
        assert not breaker.latency_ok
        return breaker

    def history(self, index: int = -1) -> list[str]:
        """History of an alert at the emulator, without updates of its text: they tell nobody."""
        texts = ("message", "description", "tags", "details")
        return [what for what in self.whole_history(index) if not what.startswith(texts)]

    def whole_history(self, index: int = -1) -> list[str]:
        """Same, with the updates of its text."""
        return [happening.what for happening in self.emulator.alerts()[index].history]

    def stages(self, index: int = -1) -> list[str]:
        """History of an alert without its texts: creation, priorities, end."""
        wanted = {"created", "priority", "closed"}
        return [each for each in self.history(index) if each.split()[0] in wanted]

    def notes(self, index: int = -1) -> list[str]:
        return [happening.what for happening in self.emulator.alerts()[index].notes]


@pytest.fixture
def world(opsgenie_emulator: Emulator, tmp_path: Path) -> Iterator[World]:
    made = World(opsgenie_emulator, tmp_path)
    yield made
    if made.alerting is not None:
        made.alerting.close()
