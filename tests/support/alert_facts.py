"""Facts and incidents that tests of the content of alerts are about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from breakerd import AlertingSettings, AlertsSettings, OpsGenieSettings
from breakerd.alerts.content.composer import compose
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.model.content import AlertContent, AlertContext
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.preview.samples import sample
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.breaker.runtime.status_types import Status

NOW = 1_800_000_021.0
OPENED = 1_800_000_000.0
"""2027-01-15 08:00:00 UTC."""
STAGES = (Stage(0, "P3"), Stage(60, "P2"), Stage(300, "P1"))
IDENTITY = OpsGenieSettings(team="core", environment="prod", bookmaker_id="b1", hostname="box")


def facts(kind: str = "open", breaker: str = "payments", **status: Any) -> AlertContext:
    """Sample facts, with these values of the status."""
    made = sample(kind, breaker, NOW)
    return replace(made, status=cast("Status", {**made.status, **status}))


def incident(
    kind: str = "open", *others: str, breaker: str = "payments", **values: Any
) -> Incident:
    members = {name: Member(kind, OPENED) for name in (breaker, *others)}
    given = {
        "id": "ab12",
        "alias": "alias",
        "breaker": breaker,
        "kind": kind,
        "opened_at": OPENED,
        "notify_at": OPENED,
        "stages": STAGES,
        "content": AlertContent("", "", "", "breakerd"),
        "members": members,
    }
    return Incident(**{**given, **values})


def composed(
    about: Incident,
    *given: AlertContext,
    opsgenie: OpsGenieSettings = IDENTITY,
    alerts: AlertsSettings | None = None,
    now: float = NOW,
    public_url: str = "",
) -> AlertContent:
    """Content of the alert for an incident."""
    settings = AlertingSettings(
        opsgenie, alerts or AlertsSettings(attach_chart=False), public_url=public_url
    )
    summary = Summary.of(about, given, now)
    return compose(summary, settings, resolve_identity(opsgenie, {}))


def line(content: AlertContent, label: str) -> str:
    """The line of the description with that label."""
    found = [each for each in content.description.splitlines() if each.startswith(f"{label}: ")]
    return found[0].removeprefix(f"{label}: ") if found else ""
