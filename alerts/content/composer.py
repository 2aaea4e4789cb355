"""Composes alerts: message, description, tags and details, within OpsGenie's limits."""

from typing import Final

from breakerd.alerts.content.description import description
from breakerd.alerts.content.headline import message
from breakerd.alerts.content.labels import alert_tags, details_of, with_members
from breakerd.alerts.content.links import page_of
from breakerd.alerts.content.summary import HISTORY, Summary
from breakerd.alerts.content.templates import apply_templates
from breakerd.alerts.content.topics import Topic, runbook
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.limits import ENTITY, SOURCE
from breakerd.alerts.model.text import format_time, truncate
from breakerd.alerts.pictures.chart import Chart, ChartMark, chart_of
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import ServiceIdentity

_POINT: Final = 10.0
"""Seconds of a point of a chart."""
_MIN_CHARTED: Final = 5
"""Minimum number of calls in a chart; fewer show nothing."""
_NOT_CHARTED: Final = {Topic.MEMORY, Topic.MEMORY_HIGH, Topic.OPERATOR, Topic.MACHINE_LOAD}


def compose(
    summary: Summary, settings: AlertingSettings, identity: ServiceIdentity
) -> AlertContent:
    """Return the content of the alert for an incident.

    Args:
        summary: the incident with the facts of its breakers, as of now.
        settings: triggers and what an alert contains.
        identity: the service.
    """
    opsgenie, incident = settings.opsgenie, summary.incident
    links = links_of(summary, settings)
    tags = alert_tags(incident.breaker, incident.kind, opsgenie, identity, drill=incident.drill)
    content = AlertContent(
        message=message(summary, opsgenie.api_name),
        description=description(summary, opsgenie, links),
        entity=truncate(incident.breaker, ENTITY),
        source=truncate(opsgenie.source, SOURCE),
        team=identity.team,
        tags=with_members(tags, summary.names),
        details=details_of(summary, opsgenie, identity, links),
        chart=_chart(summary) if settings.alerts.attach_chart else None,
        topic=summary.topic.value,
        cause=summary.cause_for_later,
    )
    return apply_templates(content, summary, settings, identity)


def links_of(summary: Summary, settings: AlertingSettings) -> dict[str, str]:
    """Return the links of an alert by their names; an empty one is not set."""
    incident, alerts = summary.incident, settings.alerts
    topic = Topic.DRILL if incident.drill else summary.topic
    return {
        "Incident": page_of(incident, settings.public_url) if settings.public_url else "",
        "Runbook": runbook(alerts.runbook_url, topic, incident.kind, summary.worst.name),
        "Dashboard": alerts.dashboard_url,
    }


def _chart(summary: Summary) -> Chart | None:
    """Return the chart of the worst breaker; None where calls do not show what is wrong."""
    worst, now, calls = summary.worst, summary.now, sum(each.calls for each in summary.history)
    if calls < _MIN_CHARTED or summary.topic in _NOT_CHARTED:
        return None
    opened = summary.incident.opened_at
    marks = (ChartMark(opened, f"since {format_time(opened, now)}"),)
    title = f"{worst.name}: the last 15 minutes"
    span = now - HISTORY, now
    return chart_of(summary.history, title, span, _POINT, worst.percentile, marks)
