"""Drill of a page: an incident of its own, with the real receivers, that touches no call."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from breakerd.alerts.content.labels import alert_tags
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.naming import name_on_host
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.rules import Rules
from breakerd.alerts.model.limits import ENTITY, MESSAGE, SOURCE
from breakerd.alerts.model.stage import Priority, Stage
from breakerd.alerts.model.text import format_duration, truncate
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import ServiceIdentity, resolve_identity
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.breaker.encoding.printable import encodable

MIN_SECONDS: Final = 10.0
"""Minimum duration of a drill in seconds; less would end before a receiver has answered."""
MAX_SECONDS: Final = 3600.0
"""Maximum duration of a drill in seconds."""
PRIORITIES: Final = ("P1", "P2", "P3", "P4", "P5")


@dataclass(frozen=True, slots=True)
class PageDrill:
    """Request for a drill of a page.

    Attributes:
        breaker: name of the breaker that the alert is about.
        priority: "P1" to "P5".
        seconds: time until it is closed, 10 s to 1 h.
        by: who asks for it; empty if unknown.
    """

    breaker: str
    priority: Priority = "P1"
    seconds: float = 60.0
    by: str = ""

    def open(self, now: float, settings: AlertingSettings) -> Incident:
        """Return its incident, which begins at `now`.

        Raises:
            ValueError: a value is invalid; says what is allowed.
        """
        if self.priority not in PRIORITIES or not MIN_SECONDS <= self.seconds <= MAX_SECONDS:
            raise ValueError(
                f"a drill of a page needs a priority of {', '.join(PRIORITIES)} and 10 s to 1 h, "
                f"not {self.priority!r} and {self.seconds:g} s"
            )
        identity = resolve_identity(settings.opsgenie)
        number, alias = name_on_host(identity.hostname, self.breaker)
        return Incident(
            id=number,
            alias=alias,
            breaker=self.breaker,
            kind=policy.OPEN,
            opened_at=now,
            notify_at=now,
            stages=(Stage(0.0, self.priority),),
            content=self._content(now, number, settings, identity),
            drill=True,
            drill_ends_at=now + self.seconds,
            rules=Rules(auto_close=True, notify_missed=False),
            joined_at=now,
        )

    def _content(
        self, now: float, number: str, settings: AlertingSettings, identity: ServiceIdentity
    ) -> AlertContent:
        opsgenie = settings.opsgenie
        page = f"{settings.public_url}/#alert={number}" if settings.public_url else ""
        by = f" by {encodable(self.by)}" if self.by else ""
        ends = datetime.fromtimestamp(now + self.seconds, UTC).strftime("%H:%M:%S UTC")
        about = {
            "Team": identity.team,
            "Environment": identity.environment,
            "Host": identity.hostname,
            "Breaker": self.breaker,
            "Reason": "drill",
            "Drill": "true",
            "Incident": page,
        }
        return AlertContent(
            message=truncate(
                f"[DRILL] {self.breaker}: page drill{by}; nothing is wrong, no call is rejected",
                MESSAGE,
            ),
            description=(
                f"This is a drill of the alerting{by}. Nothing is wrong, and no call is touched.\n"
                f"Next: it closes by itself at {ends}.\n"
                "Do: acknowledge it, as you would a real alert."
                + (f"\nIncident: {page}" if page else "")
            ),
            entity=truncate(self.breaker, ENTITY),
            source=truncate(opsgenie.source, SOURCE),
            team=identity.team,
            tags=alert_tags(self.breaker, policy.OPEN, opsgenie, identity, drill=True),
            details={name: value for name, value in about.items() if value},
        )


def end_due_drill(incident_log: IncidentLog, now: float, incident: Incident) -> None:
    """Close a drill of a page whose time is over."""
    if incident.phase is Phase.ACTIVE and now >= incident.drill_ends_at:
        lasted = format_duration(now - incident.opened_at)
        note = f"The drill is over after {lasted}. Nothing was wrong, and no call was rejected."
        incident_log.close(now, incident, note)
