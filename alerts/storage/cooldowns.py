"""Cooldowns: for how long people are not notified of the same trouble again."""

from collections.abc import Mapping

from breakerd.alerts.model.incident import Incident, Phase

CooldownKey = tuple[str, str]
"""Name of a breaker, and what `cooldown_key` returns."""


class Cooldowns:
    """Times of the last notifications, in seconds since the epoch. Hold the incident log's lock.

    Attributes:
        changed: those that are not in the database yet.
    """

    def __init__(self) -> None:
        self._notified: dict[CooldownKey, float] = {}
        self.changed: dict[CooldownKey, float] = {}

    def notify_at(self, breaker: str, key: str, opened_at: float, cooldown: float) -> float:
        """Return when an incident may be delivered, in seconds since the epoch.

        Args:
            breaker: name of the breaker.
            key: see `cooldown_key`.
            opened_at: when the incident opened; the earliest result.
            cooldown: minimum number of seconds since the last notification.
        """
        notified_at = self._notified.get((breaker, key))
        return opened_at if notified_at is None else max(opened_at, notified_at + cooldown)

    def start(self, incident: Incident) -> None:
        """Start that of the first breaker; at the end of the incident, those of all."""
        names = [incident.breaker] if incident.phase is not Phase.CLOSED else incident.members
        for name in names:
            if (member := incident.members.get(name)) is None:
                continue
            key = (name, cooldown_key(member.kind, member.cause, drill=incident.drill))
            if self._notified.get(key, 0.0) < incident.notified_at:
                self._notified[key] = self.changed[key] = incident.notified_at

    def load(self, now: float, stored: Mapping[CooldownKey, float]) -> None:
        """Add those of the previous leader, whose clock may have been ahead; known ones stay."""
        self._notified = {key: min(at, now) for key, at in stored.items()} | self._notified

    def rewrite(self) -> None:
        """Have all of them written again."""
        self.changed = dict(self._notified)


def cooldown_key(kind: str, cause: str, *, drill: bool) -> str:
    """Return the key of a cooldown: another cause is no repetition.

    Drills have their own, so they never delay a real alert.
    """
    return f"{kind} {cause}{' drill' if drill else ''}"
