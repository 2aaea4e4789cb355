"""Tags and details of an alert: what routes it, and facts for those who look closer."""

import platform
from typing import Final

from breakerd.alerts.content.facts import number, text
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.model.limits import DETAILS, TAG, TAGS
from breakerd.alerts.model.text import names_within, truncate
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.service_identity import ServiceIdentity
from breakerd.breaker._version import __version__

_MAX_VALUE: Final = 1000
"""Maximum number of characters of a detail."""
_MAX_NAMES: Final = 4000
"""Maximum number of characters of the names of breakers in the details."""


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
    return _within(all_tags)


def with_members(tags: list[str], names: list[str]) -> list[str]:
    """Return the tags, with one for each breaker as far as there is room."""
    return _within([*tags, *(f"Breaker:{name}" for name in names[:TAGS])])


def key_value_tag(tag: str) -> str:
    """Return `tag` as `key:value`, marked as go-breaker does if it has no key or no value."""
    key, colon, value = tag.partition(":")
    if colon and key.strip() and value.strip():
        return f"{key.strip()}:{value.strip()}"
    return f"**TAG_KEY_UNDEFINED**:{tag.strip(': ')}"


def details_of(
    summary: Summary, settings: OpsGenieSettings, identity: ServiceIdentity, links: dict[str, str]
) -> dict[str, str]:
    """Return the routing fields first, so that they are cut last if there is not enough room."""
    worst, incident = summary.worst, summary.incident
    names = names_within(summary.names, _MAX_NAMES)
    evidence = [worst.evidence(), *worst.further_evidence]
    details = {
        "Team": identity.team,
        "Environment": identity.environment,
        "BookmakerId": identity.bookmaker_id,
        "Host": identity.hostname,
        "Business": identity.business,
        "Breaker": incident.breaker,
        "Breakers": names if len(summary.names) > 1 else "",
        "WorstBreaker": worst.name if len(summary.names) > 1 else "",
        "State": worst.state,
        "WouldBeState": worst.would_be,
        "Reason": worst.first.reason,
        "Topic": summary.topic.value,
        "Drill": "true" if incident.drill else "",
        "Cause": summary.cause,
        "Evidence": "; ".join(each.sentence() for each in evidence if each),
        **links,
        "AdditionalContext": settings.additional_context,
        "ApiName": settings.api_name,
        "ApiVersion": settings.api_version,
        "ApiNamespace": settings.api_namespace,
        "ApiOwner": settings.api_owner,
        **settings.api_custom_attributes,
        **_counts(summary),
        **_spread(summary),
    }
    if settings.include_latency_metrics:
        details |= _latency(summary)
    if settings.include_memory_metrics:
        details |= {
            "MemoryUsagePercent": _plain(worst.memory_percent),
            "MemoryThresholdPercent": _plain(number(worst.status.get("memory_threshold_percent"))),
        }
    if settings.include_system_info:
        details |= {
            "System": platform.platform(),
            "Python": platform.python_version(),
            "Breakerd": __version__,
        }
    return _fit({key: value for key, value in details.items() if value})


def _counts(summary: Summary) -> dict[str, str]:
    counts = summary.incident.counts
    if not counts.all:
        return {}
    return {
        "CallsSinceOpened": str(counts.all),
        "RejectedSinceOpened": str(counts.rejected),
        "FailedSinceOpened": str(counts.error),
    }


def _spread(summary: Summary) -> dict[str, str]:
    spread = summary.worst.spread
    if not (spread.known and spread.rejecting):
        return {}
    return {
        "Scope": spread.scope,
        "Processes": f"{spread.rejecting} of {spread.processes}",
        "Hosts": f"{spread.rejecting_hosts} of {spread.hosts}",
    }


def _latency(summary: Summary) -> dict[str, str]:
    worst = summary.worst
    slope = number(worst.status.get("trend_slope_percent_per_call"))
    return {
        "LatencyPercentileMs": _plain(worst.latency_ms),
        "LatencyThresholdMs": _plain(worst.latency_limit_ms),
        "Trend": text(worst.status.get("trend")),
        "TrendSlopePercentPerCall": _plain(slope) if worst.window_calls else "",
    }


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.15g}"


def _within(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(truncate(tag, TAG) for tag in tags))[:TAGS]


def _fit(details: dict[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    room = DETAILS
    for key, value in details.items():
        short = truncate(value, _MAX_NAMES if key == "Breakers" else _MAX_VALUE)
        room -= len(key) + len(short)
        if room < 0:
            break
        kept[key] = short
    return kept
