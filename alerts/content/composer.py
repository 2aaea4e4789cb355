"""Composes alerts: message, description, tags and details, within OpsGenie's limits."""

import math
import platform
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from breakerd.alerts.content.chart import can_draw
from breakerd.alerts.model.content import AlertContent, AlertContext, Chart
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.limits import DESCRIPTION, DETAILS, ENTITY, MESSAGE, SOURCE, TAG, TAGS
from breakerd.alerts.model.text import format_duration, truncate
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.service_identity import ServiceIdentity
from breakerd.breaker._version import __version__
from breakerd.breaker.events.events import Transition
from breakerd.breaker.runtime.status_types import Status

_REASONS: Final = {
    "manual": "opened by an operator",
    "operator": "opened by an operator",
    "restored": "open before a restart",
    "memory": "memory usage is high",
    "load": "the machine is overloaded",
    "latency": "calls are slow",
    "errors": "calls fail",
    "degraded": "the service level is missed, calls are anomalous, or the load is high",
}
"""Cause of each reason, used if there is no evidence."""
_LABELS: Final = {
    "open": "open",
    "memory": "memory high",
    "latency": "slow",
    "degraded": "degraded",
}
_BARS: Final = "▁▂▃▄▅▆▇█"
_MAX_BARS: Final = 40
_MAX_CHARTED: Final = 300
_MIN_CHARTED: Final = 5
"""Minimum number of calls in a chart; fewer show nothing."""


def compose(
    incident: Incident,
    facts: Sequence[AlertContext],
    settings: AlertingSettings,
    identity: ServiceIdentity,
    now: float,  # noqa: ARG001 - the text gives no durations yet
) -> AlertContent:
    """Return the content of the alert for an incident.

    Args:
        incident: the incident.
        facts: present facts of its breakers in all processes; at least one.
        settings: triggers and what an alert contains.
        identity: the service.
        now: seconds since the epoch.
    """
    opsgenie, trouble = settings.opsgenie, facts[0]
    content = _content(trouble, settings, identity, opsgenie)
    others = [name for name in incident.members if name != trouble.status["name"]]
    return compose_group(content, others) if others else content


def _content(
    trouble: AlertContext,
    settings: AlertingSettings,
    identity: ServiceIdentity,
    opsgenie: OpsGenieSettings,
) -> AlertContent:
    return AlertContent(
        message=message(trouble, opsgenie),
        description=truncate(_description(trouble, settings), DESCRIPTION),
        entity=truncate(trouble.status["name"], ENTITY),
        source=truncate(opsgenie.source, SOURCE),
        team=identity.team,
        tags=alert_tags(
            trouble.status["name"], trouble.kind, opsgenie, identity, drill=trouble.drill
        ),
        details=_details(trouble, settings, identity),
        chart=_chart(trouble) if settings.alerts.attach_chart and can_draw() else None,
    )


def compose_group(first: AlertContent, others: Sequence[str]) -> AlertContent:
    """Return the content of one alert for several breakers.

    Args:
        first: content of the alert for one of them.
        others: names of the others.
    """
    more = f" (and {len(others):,} more)"
    return replace(first, message=truncate(first.message, MESSAGE - len(more)) + more)


def _chart(trouble: AlertContext) -> Chart | None:
    status = trouble.status
    latencies = tuple(status["recent_latencies_ms"][-_MAX_CHARTED:])
    if len(latencies) < _MIN_CHARTED or trouble.reason == "memory":
        return None
    title = f"{status['name']}: latest {len(latencies)} calls"
    return Chart(title, latencies, status["latency_threshold_ms"])


def message(trouble: AlertContext, settings: OpsGenieSettings) -> str:
    """Return one sentence: the service and breaker, the kind of the alert, and its cause."""
    name = trouble.status["name"]
    service = f"{settings.api_name}/" if settings.api_name else ""
    label = _LABELS[trouble.kind]
    drill = "[DRILL] " if trouble.drill else ""
    return truncate(f"{drill}{service}{name} {label}: {cause(trouble)}", MESSAGE)


def cause(trouble: AlertContext) -> str:
    """Return the first evidence as a sentence; without evidence, the note or the reason."""
    if trouble.evidence:
        return trouble.evidence[0].sentence()
    return trouble.note or _REASONS.get(trouble.reason) or trouble.reason.replace("_", " ")


def state_summary(status: Status) -> str:
    """Return one sentence about the present state of a breaker."""
    parts = [f"State {status['state']}"]
    if status["window_calls"]:
        limit = status["latency_threshold_ms"]
        name = f"p{status['percentile_value'] * 100:g}"
        parts.append(f"{name} {status['current_percentile_ms']} ms (limit {limit} ms)")
        parts.append(f"errors {status['error_rate']:.0%}")
    if status["memory_known"]:
        parts.append(f"memory {status['memory_usage_percent']:.0f}%")
    parts.append(f"{status['calls']['rejected']} calls rejected so far")
    return ", ".join(parts) + "."


def sparkline(values: list[int]) -> str:
    """Return the newest values as bars; the highest value has the full height."""
    newest = values[-_MAX_BARS:]
    highest = max(newest, default=0) or 1
    return "".join(_BARS[min(7, value * 8 // (highest + 1))] for value in newest)


def _description(trouble: AlertContext, settings: AlertingSettings) -> str:
    status, opsgenie = trouble.status, settings.opsgenie
    lines = []
    if trouble.drill:
        lines += ["This is a drill. Nothing is wrong.", ""]
    lines += [f"Cause: {cause(trouble)}"]
    lines += [f"Also: {more.sentence()}" for more in trouble.evidence[1:]]
    lines += [f"Note: {trouble.note}"] if trouble.note and trouble.evidence else []
    lines += [f"Next: {_next(status)}"]
    if opsgenie.include_latency_metrics:
        lines += ["", *_latency_lines(status)]
    if opsgenie.include_memory_metrics:
        lines += ["", _memory_line(status)]
    calls = status["calls"]
    lines.append(
        f"Calls: {calls['success']} ok, {calls['error']} failed, {calls['rejected']} rejected, "
        f"{status['in_flight']} in flight"
    )
    if trouble.transitions:
        lines += ["", "Recently:", *_transition_lines(trouble.transitions)]
    about = _about_service(opsgenie)
    lines += ["", *about] if about else []
    links = {"Runbook": settings.alerts.runbook_url, "Dashboard": settings.alerts.dashboard_url}
    lines += [f"{name}: {url}" for name, url in links.items() if url]
    return "\n".join(lines)


def _next(status: Status) -> str:
    recovery = status["recovery"]
    if status["state"] == "FORCED_OPEN":
        return "stays open until an operator resets it."
    if recovery and (blocker := _probe_blocker(status)):
        return f"stays open until {blocker} falls below its threshold."
    if recovery is None:
        return "admits calls and keeps watching."
    if recovery["phase"] == "wait":
        left = recovery["seconds_left"]
        when = "within a second" if left < 1 else f"in {format_duration(left)}"
        return f"sends probes {when}; closes if they succeed."
    if recovery["phase"] == "probes":
        return "waits for the results of its probes."
    return f"admits {recovery['share']:.0%} of the calls, then more."


def _probe_blocker(status: Status) -> str:
    """Return what prevents probes; empty if nothing does."""
    if not status["memory_ok"]:
        return "memory"
    return "the load" if status["load"] and status["load"]["rejects"] else ""


def _latency_lines(status: Status) -> list[str]:
    limit = status["latency_threshold_ms"]
    percentile = f"p{status['percentile_value'] * 100:g} {status['current_percentile_ms']} ms"
    lines = [f"Latency: {percentile}, limit {limit} ms, over {status['window_calls']} calls"]
    if latest := status["recent_latencies_ms"]:
        ordered = sorted(latest)
        shares = (0.5, 0.9, 0.99, 1.0)
        spread = ", ".join(
            f"{f'p{share * 100:g}' if share < 1 else 'highest'} {_quantile(ordered, share)} ms"
            for share in shares
        )
        lines += [f"Latest:  {sparkline(latest)}", f"Spread: {spread}"]
    if status["trend"]:
        slope = status["trend_slope_percent_per_call"]
        lines.append(f"Trend: {status['trend']}, {slope:+.2g}% a call")
    return lines


def _quantile(ordered: list[int], share: float) -> int:
    """Return the quantile `share` of `ordered`, by the nearest-rank method."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _transition_lines(transitions: tuple[Transition, ...]) -> list[str]:
    return [
        f"{datetime.fromtimestamp(each.at, UTC):%H:%M:%S} UTC  "
        f"{each.from_state.value} → {each.to_state.value}, {each.reason.value.replace('_', ' ')}"
        for each in transitions
    ]


def _memory_line(status: Status) -> str:
    if not status["memory_known"]:
        return "Memory: unknown"
    return (
        f"Memory: {status['memory_usage_percent']:.1f}% used, "
        f"limit {status['memory_threshold_percent']:g}%"
    )


def _about_service(settings: OpsGenieSettings) -> list[str]:
    contact = settings.contact_details
    rows = {
        "Service": " ".join(filter(None, [settings.api_name, settings.api_version])),
        "Description": settings.api_description,
        "Owner": settings.api_owner,
        "Importance": settings.api_priority or settings.service_tier,
        "Depends on": ", ".join(settings.api_dependencies),
        "Endpoints": ", ".join(settings.api_endpoints),
        "Contact": ", ".join(
            filter(None, [contact.primary_contact, contact.slack_channel, contact.phone_number])
        ),
        "Escalation": contact.escalation_team,
        "Further contacts": ", ".join(contact.additional_emails),
    }
    return [f"{name}: {value}" for name, value in rows.items() if value]


def alert_tags(
    breaker: str, kind: str, settings: OpsGenieSettings, identity: ServiceIdentity, *, drill: bool
) -> list[str]:
    """Return the automatic tags first: routing depends on them, and at most twenty fit."""
    automatic = {
        "Environment": identity.environment.lower(),
        "BookmakerId": identity.bookmaker_id,
        "Host": identity.hostname,
        "Business": identity.business,
        "Team": identity.team,
        "AlertType": f"breaker-{kind}",
        "Breaker": breaker,
        "Service": settings.api_name,
        "Tier": settings.service_tier,
        "Context": settings.additional_context,
        "Drill": "true" if drill else "",
    }
    all_tags = [f"{key}:{value}" for key, value in automatic.items() if value]
    all_tags += [key_value_tag(tag) for tag in settings.tags]
    return [truncate(tag, TAG) for tag in dict.fromkeys(all_tags)][:TAGS]


def key_value_tag(tag: str) -> str:
    """Return `tag` as `key:value`, marked as go-breaker does if it has no key or no value."""
    key, colon, value = tag.partition(":")
    if colon and key.strip() and value.strip():
        return f"{key.strip()}:{value.strip()}"
    return f"**TAG_KEY_UNDEFINED**:{tag.strip(': ')}"


def _details(
    trouble: AlertContext, settings: AlertingSettings, identity: ServiceIdentity
) -> dict[str, str]:
    """Return the routing fields first, so that they are cut last if there is not enough room."""
    status, opsgenie = trouble.status, settings.opsgenie
    details = {
        "Team": identity.team,
        "Environment": identity.environment,
        "BookmakerId": identity.bookmaker_id,
        "Host": identity.hostname,
        "Business": identity.business,
        "AdditionalContext": opsgenie.additional_context,
        "Breaker": status["name"],
        "State": status["state"],
        "Reason": trouble.reason,
        "Drill": "true" if trouble.drill else "",
        "Evidence": "; ".join(evidence.sentence() for evidence in trouble.evidence),
        "ApiName": opsgenie.api_name,
        "ApiVersion": opsgenie.api_version,
        "ApiNamespace": opsgenie.api_namespace,
        "ApiOwner": opsgenie.api_owner,
        **opsgenie.api_custom_attributes,
        "Dashboard": settings.alerts.dashboard_url,
        "Runbook": settings.alerts.runbook_url,
    }
    if opsgenie.include_latency_metrics:
        details |= {
            "LatencyPercentileMs": str(status["current_percentile_ms"]),
            "LatencyThresholdMs": str(status["latency_threshold_ms"]),
            "Trend": status["trend"] or "",
            "TrendSlopePercentPerCall": str(status["trend_slope_percent_per_call"]),
        }
    if opsgenie.include_memory_metrics:
        details |= {
            "MemoryUsagePercent": str(status["memory_usage_percent"]),
            "MemoryThresholdPercent": str(status["memory_threshold_percent"]),
        }
    if opsgenie.include_system_info:
        details |= {
            "System": platform.platform(),
            "Python": platform.python_version(),
            "Breakerd": __version__,
        }
    return _fit({key: value for key, value in details.items() if value}, DETAILS)


def _fit(details: dict[str, str], room: int) -> dict[str, str]:
    kept: dict[str, str] = {}
    for key, value in details.items():
        short = truncate(value, 1000)
        room -= len(key) + len(short)
        if room < 0:
            break
        kept[key] = short
    return kept
