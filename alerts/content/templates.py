"""Texts from templates of `[alerts.templates]`: fields are filled in, and no code runs."""

from dataclasses import replace
from string import Template

from breakerd.alerts.content.description import held_lines, since, todo
from breakerd.alerts.content.impact import impact
from breakerd.alerts.content.next_steps import next_step
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.limits import DESCRIPTION, MESSAGE
from breakerd.alerts.model.text import format_duration, names_within, truncate
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import ServiceIdentity

_MAX_NAMES = 4000


def apply_templates(
    content: AlertContent, summary: Summary, settings: AlertingSettings, identity: ServiceIdentity
) -> AlertContent:
    """Return the content with the texts of its templates, if it has any.

    A template that fails, or makes an empty message, leaves breakerd's own text; the content then
    says so in `template_problem`.
    """
    kind = summary.incident.kind
    wanted = settings.alerts.templates.for_kind(kind)
    if not (wanted.message or wanted.description):
        return content
    fields = _fields(content, summary, settings, identity)
    problems: list[str] = []

    def filled(part: str, template: str, own: str) -> str:
        if not template:
            return own
        try:
            made = Template(template).substitute(fields).strip()
        except (KeyError, ValueError) as error:
            problems.append(f"{part} of [alerts.templates] for {kind!r}: {error}")
            return own
        if not made:
            problems.append(f"{part} of [alerts.templates] for {kind!r} is empty")
        return made or own

    message = " ".join(filled("message", wanted.message, content.message).split())
    text = filled("description", wanted.description, content.description)
    problem = f"{'; '.join(problems)}: breakerd's own text is used" if problems else ""
    return replace(
        content,
        message=truncate(message, MESSAGE),
        description=truncate(text, DESCRIPTION),
        template_problem=problem,
    )


def _fields(
    content: AlertContent, summary: Summary, settings: AlertingSettings, identity: ServiceIdentity
) -> dict[str, str]:
    """Return the values of `TEMPLATE_FIELDS`."""
    incident, details = summary.incident, content.details
    return {
        "summary": content.message,
        "description": content.description,
        "breaker": summary.worst.name,
        "breakers": names_within(summary.names, _MAX_NAMES),
        "count": f"{len(summary.names)}",
        "service": settings.opsgenie.api_name,
        "environment": identity.environment,
        "team": identity.team,
        "host": identity.hostname,
        "kind": incident.kind,
        "topic": summary.topic.value,
        "state": summary.state,
        "priority": incident.priority,
        "since": since(summary),
        "duration": format_duration(summary.age),
        "cause": summary.cause,
        "impact": impact(summary),
        "next": next_step(summary),
        "action": todo(summary),
        "held": "; ".join(held_lines(summary)),
        "runbook": details.get("Runbook", ""),
        "link": details.get("Incident", ""),
        "dashboard": details.get("Dashboard", ""),
        "drill": "true" if incident.drill else "false",
    }
