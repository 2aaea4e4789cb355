"""Status of alerting that does not run in this process: what its settings alone tell."""

import time
from collections.abc import Iterable

from breakerd.alerts.heartbeat.heartbeats import heartbeat_problems
from breakerd.alerts.paging import PagingReport
from breakerd.alerts.receivers.factory import setup_problems
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.alerts.status import (
    AlertStats,
    Json,
    maintenance_status,
    settings_status,
    stages_status,
)


class IdleStatus:
    """Status without a database, a thread or a lock; see `StatusReporter`. Thread-safe.

    Args:
        settings: the present settings.
        reason: why alerting does not run, as a sentence.
    """

    paging = False

    def __init__(self, settings: AlertingSettings, reason: str) -> None:
        self._settings = settings
        self._reason = reason

    def problems(self) -> list[str]:
        """Return why nobody is paged, and the problems of the settings."""
        settings = self._settings
        found = [self._reason, *setup_problems(settings)]
        if settings.opsgenie.active:
            found += resolve_identity(settings.opsgenie).problems
            found += heartbeat_problems(settings)
        return found

    def health(self) -> Json:
        """Return `ok`, `stalled`, `paging` and `problems`. To page nobody by choice is ok."""
        settings = self._settings
        wanted = settings.opsgenie.active or settings.alerts.receivers.named()
        return {
            "ok": not wanted,
            "stalled": False,
            "paging": False,
            "problems": self.problems(),
        }

    def paging_report(self, _breaker: str | None = None) -> PagingReport:
        """Return that nobody is notified, and why."""
        return {"paging": False, "paging_problems": self.problems()}

    def muted(self, breakers: Iterable[str]) -> dict[str, str]:
        """Return an empty text for each breaker: nothing of its own mutes it."""
        return dict.fromkeys(breakers, "")

    def stats(self) -> AlertStats:
        """Return figures of nothing."""
        return AlertStats(
            pending=0,
            oldest_pending_seconds=0.0,
            counts={},
            dead_letters={},
            last_success={},
            last_heartbeat={},
            last_round=0.0,
            stalled=False,
        )

    def incidents(self, _limit: int, _phase: str | None) -> list[Json]:
        """Return no incidents: they are in the database."""
        return []

    def stages(self, _breaker: str) -> Json:
        """Return the stages of the settings, in go-breaker's form."""
        return stages_status(self._settings, (), time.time())

    def opsgenie(self) -> Json:
        """Return the settings of `[opsgenie]` in go-breaker's form; no receiver is in use."""
        return settings_status(self._settings.opsgenie) | {
            "initialized": False,
            "paging": False,
            "problems": self.problems(),
            "receivers": [],
        }

    def receivers(self) -> list[Json]:
        """Return no receivers: none is in use."""
        return []

    def maintenance(self) -> list[Json]:
        """Return the maintenance windows of the settings."""
        return maintenance_status(self._settings, time.time())
