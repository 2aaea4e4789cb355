"""Groups: the incident that a breaker joins, of those that opened shortly before."""

from collections.abc import Iterable

from breakerd.alerts.model.incident import Incident, Phase


class Groups:
    """Incidents that breakers join in one round. Not thread-safe.

    Args:
        now: seconds since the epoch.
        window: seconds after a breaker joined in which others do; 0 for never.
        incidents: all incidents.
    """

    def __init__(self, now: float, window: float, incidents: Iterable[Incident]) -> None:
        self._now = now
        self._window = window
        self._incidents = incidents
        self._found: dict[str, Incident | None] = {}
        """Incident that is joined, by kind."""

    def find(self, kind: str, *, drill: bool) -> Incident | None:
        """Return the incident that a breaker joins that is free to; None if there is none."""
        if not self._window or drill:
            return None
        if kind not in self._found:
            fitting = (
                incident
                for incident in self._incidents
                if incident.phase is Phase.ACTIVE
                and not (incident.drill or incident.muted_by)
                and incident.kind == kind
                and self._now - incident.joined_at <= self._window
            )
            self._found[kind] = max(fitting, key=lambda i: i.joined_at, default=None)
        return self._found[kind]

    def lead(self, incident: Incident) -> None:
        """Let others join that incident in this round."""
        if not (incident.drill or incident.muted_by):
            self._found[incident.kind] = incident
