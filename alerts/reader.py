"""Reading methods of alerting, in whichever process they are called."""

from typing import Any

from breakerd.alerts.fleet.predecessor import HostRole, host_role
from breakerd.alerts.idle_status import IdleStatus
from breakerd.alerts.lifecycle import Lifecycle
from breakerd.alerts.model.silence import Silence
from breakerd.alerts.runtime import AlertingRuntime
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.status import AlertStats, StatusReporter, full_status, silence_status


class AlertingReader:
    """Reading methods of alerting. Thread-safe.

    Where it does not run, all answer at once, without lock or database: from the settings alone.

    Args:
        settings: the settings to begin with.
        lifecycle: what runs in this process.
    """

    def __init__(self, settings: AlertingSettings, lifecycle: Lifecycle[AlertingRuntime]) -> None:
        self.settings = settings
        self._lifecycle = lifecycle

    @property
    def status(self) -> StatusReporter | IdleStatus:
        """Known facts, for those who show them."""
        runtime = self._lifecycle.current
        return (
            IdleStatus(self.settings, self._lifecycle.reason) if runtime is None else runtime.status
        )

    def not_running(self) -> dict[str, str]:
        """Return `{"alerting": why}` if it does not run in this process; empty if it does."""
        runtime = self._lifecycle.current
        why = self._lifecycle.reason if runtime is None else runtime.watchdog.not_running()
        return {"alerting": why} if why else {}

    def silences(self) -> list[dict[str, Any]]:
        """Return the silences that have not ended, of all processes, as JSON-able data."""
        runtime = self._lifecycle.current
        if runtime is None:
            return []
        runtime.silences.refresh()
        return [silence_status(each) for each in runtime.silences.unexpired(runtime.now())]

    def known_silences(self) -> tuple[float, list[Silence]]:
        """Return the present time in seconds since the epoch, and the silences that have not ended.

        They are those that were read last; none where it does not run.
        """
        runtime = self._lifecycle.current
        if runtime is None:
            return 0.0, []
        now = runtime.now()
        return now, runtime.silences.unexpired(now)

    def maintenance(self) -> list[dict[str, Any]]:
        """Return the maintenance windows as JSON-able data; `ends_at` is set in an open one."""
        return self.status.maintenance()

    def incident(self, incident_id: str) -> dict[str, Any] | None:
        """Return an incident in full as JSON-able data; None if no incident has that id."""
        runtime = self._lifecycle.current
        if runtime is None:
            return None
        try:
            return full_status(runtime.incident_log.get(incident_id), runtime.now())
        except KeyError:
            return None

    def fleet_role(self) -> HostRole | None:
        """Return the part of this host in a fleet of several; None if it is in none."""
        runtime = self._lifecycle.current
        if runtime is None or not runtime.worker.in_fleet:
            return None
        return host_role(runtime.store)

    @property
    def paging(self) -> bool:
        """True if a person is notified of incidents."""
        return self.status.paging

    def problems(self) -> list[str]:
        """Return the problems that keep alerts from reaching people, as sentences."""
        return self.status.problems()

    def health(self) -> dict[str, Any]:
        """Return `ok` (True if alerts can leave), `stalled`, `paging` and the `problems`.

        To page nobody by choice is ok; to be configured to page, and unable to, is not.
        `stalled` is True if rounds, or the delivery to a receiver, have stopped.
        """
        return self.status.health()

    def stats(self) -> AlertStats:
        """Return the figures for metrics."""
        return self.status.stats()

    def incidents(self, *, limit: int = 100, state: str | None = None) -> list[dict[str, Any]]:
        """Return the latest incidents, newest first, as JSON-able data.

        Args:
            limit: maximum number of incidents.
            state: only those in this phase: "active", "resolving" or "closed"; None for all.
        """
        return self.status.incidents(limit, state)

    def staged_alerts(self, breaker: str) -> dict[str, Any]:
        """Return the stages of one breaker's incidents, in go-breaker's form."""
        return self.status.stages(breaker)

    def opsgenie_status(self) -> dict[str, Any]:
        """Return `[opsgenie]` in go-breaker's form, the key masked, and the receivers."""
        return self.status.opsgenie()

    def receivers(self) -> list[dict[str, Any]]:
        """Return the state of each receiver and of its heartbeat, as JSON-able data.

        Times are in seconds since the epoch; None if never, or if there is no heartbeat.
        """
        return self.status.receivers()
