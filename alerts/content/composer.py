"""Composes alerts: message, description, tags and details, within OpsGenie's limits."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from breakerd.alerts.content.chart import can_draw
from breakerd.alerts.content.description import description
from breakerd.alerts.content.headline import message
from breakerd.alerts.content.labels import alert_tags, details_of, with_members
from breakerd.alerts.content.sentences.measurements import recent_latencies
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.content.templates import apply_templates
from breakerd.alerts.content.topics import Topic, runbook
from breakerd.alerts.model.content import AlertContent, AlertContext, Chart
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.limits import ENTITY, SOURCE
from breakerd.alerts.model.text import truncate
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import ServiceIdentity

_MAX_CHARTED: Final = 300
_MIN_CHARTED: Final = 5
"""Minimum number of calls in a chart; fewer show nothing."""
_NOT_CHARTED: Final = {Topic.MEMORY, Topic.MEMORY_HIGH, Topic.OPERATOR, Topic.MACHINE_LOAD}


def compose(
    incident: Incident,
    facts: Sequence[AlertContext],
    settings: AlertingSettings,
    identity: ServiceIdentity,
    now: float,
) -> AlertContent:
    """Return the content of the alert for an incident, as of `now`.

    Args:
        incident: the incident.
        facts: present facts of its breakers in all processes; at least one.
        settings: triggers and what an alert contains.
        identity: the service.
        now: seconds since the epoch.
    """
    opsgenie, summary = settings.opsgenie, Summary.of(incident, facts, now)
    links = links_of(summary, settings)
    tags = alert_tags(incident.breaker, incident.kind, opsgenie, identity, drill=incident.drill)
    charted = settings.alerts.attach_chart and can_draw()
    content = AlertContent(
        message=message(summary, opsgenie.api_name),
        description=description(summary, opsgenie, links),
        entity=truncate(incident.breaker, ENTITY),
        source=truncate(opsgenie.source, SOURCE),
        team=identity.team,
        tags=with_members(tags, summary.names),
        details=details_of(summary, opsgenie, identity, links),
        chart=_chart(summary) if charted else None,
        topic=summary.topic.value,
        cause=summary.cause_for_later,
    )
    return apply_templates(content, summary, settings, identity)


def links_of(summary: Summary, settings: AlertingSettings) -> dict[str, str]:
    """Return the links of an alert by their names; an empty one is not set."""
    incident, alerts = summary.incident, settings.alerts
    topic = Topic.DRILL if incident.drill else summary.topic
    page = f"{settings.public_url}/#alert={quote(incident.id, safe='')}"
    return {
        "Incident": page if settings.public_url else "",
        "Runbook": runbook(alerts.runbook_url, topic, incident.kind, summary.worst.name),
        "Dashboard": alerts.dashboard_url,
    }


def _chart(summary: Summary) -> Chart | None:
    worst = summary.worst
    latencies = tuple(round(value) for value in recent_latencies(worst)[-_MAX_CHARTED:])
    if len(latencies) < _MIN_CHARTED or summary.topic in _NOT_CHARTED:
        return None
    title = f"{worst.name}: latest {len(latencies)} calls"
    return Chart(title, latencies, worst.latency_limit_ms)
