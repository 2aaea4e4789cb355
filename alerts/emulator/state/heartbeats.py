"""Heartbeats of an emulated OpsGenie. Pure: `now` is passed in."""

from dataclasses import dataclass
from typing import Final

from breakerd.alerts.emulator.state.alert import Json, rfc3339

UNITS: Final = {"minutes": 60.0, "hours": 3600.0, "days": 86400.0}
"""Seconds in each unit."""

_KEPT: Final = 1_000


@dataclass
class EmulatedHeartbeat:
    """Heartbeat; it expires if it was pinged once, and then not for `interval` `unit`."""

    name: str
    interval: int = 10
    unit: str = "minutes"
    enabled: bool = True
    description: str = ""
    pinged_at: float | None = None

    def expired(self, now: float) -> bool:
        """True if OpsGenie would raise an alert because of it."""
        if not self.enabled or self.pinged_at is None:
            return False
        return now - self.pinged_at > self.interval * UNITS[self.unit]

    def as_json(self, now: float) -> Json:
        """Return the heartbeat in the API's form."""
        pinged = {} if self.pinged_at is None else {"lastPingTime": rfc3339(self.pinged_at)}
        return {
            "name": self.name,
            "description": self.description,
            "interval": self.interval,
            "intervalUnit": self.unit,
            "enabled": self.enabled,
            "expired": self.expired(now),
            **pinged,
        }


class HeartbeatStore:
    """Heartbeats by name. Not thread-safe."""

    def __init__(self) -> None:
        self.heartbeats: dict[str, EmulatedHeartbeat] = {}

    def add(self, heartbeat: EmulatedHeartbeat) -> bool:
        """Add a heartbeat; return False if there are too many, or one of that name."""
        if heartbeat.name in self.heartbeats or len(self.heartbeats) >= _KEPT:
            return False
        self.heartbeats[heartbeat.name] = heartbeat
        return True

    def ping(self, name: str, now: float) -> None:
        """Record a ping; ignore it if there is no such heartbeat."""
        if heartbeat := self.heartbeats.get(name):
            heartbeat.pinged_at = now
