"""Opening of incidents, and of their breakers' parts in them. Pure but for the id."""

from functools import partial

from breakerd.alerts.content.labels import alert_tags
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.holds import Newcomer
from breakerd.alerts.incidents.naming import Naming, name_on_host
from breakerd.alerts.incidents.observation import Observation
from breakerd.alerts.incidents.severity import degraded_severity
from breakerd.alerts.model.content import AlertContent, AlertContext
from breakerd.alerts.model.escalation import first_notice_at
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import DEGRADED, PAGE, Member
from breakerd.alerts.model.limits import ENTITY, MESSAGE, SOURCE
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.text import truncate
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import ServiceIdentity, resolve_identity


def new_incident(
    now: float, newcomer: Newcomer, settings: AlertingSettings, naming: Naming | None = None
) -> Incident:
    """Return the incident of a breaker; its text is the least that pages, until it is composed.

    Args:
        now: seconds since the epoch.
        newcomer: the breaker.
        settings: settings that apply to it.
        naming: names it; None for a name that no other host has.
    """
    observation, plans = newcomer.observation, policy.plans(settings)
    identity = resolve_identity(settings.opsgenie)
    name = naming or partial(name_on_host, identity.hostname)
    incident_id, alias = name(observation.breaker)
    incident = Incident(
        id=incident_id,
        alias=alias,
        breaker=observation.breaker,
        kind=observation.kind,
        opened_at=observation.since,
        notify_at=newcomer.notify_at,
        stages=plans[PAGE],
        content=_least_content(observation, settings, identity),
        drill=bool(observation.drill),
        plans=plans,
        rules=policy.rules(settings.opsgenie, settings.alerts),
        joined_at=now,
    )
    member = new_member(newcomer, incident)
    incident.members = {observation.breaker: member}
    incident.notify_at = first_notice_at(incident)
    incident.set_stage(incident.notify_at, incident.stages_of(member), 0, "")
    incident.mute(now, newcomer.held_by)
    return incident


def _least_content(
    seen: Observation, settings: AlertingSettings, identity: ServiceIdentity
) -> AlertContent:
    """Return the text of an alert about which no facts are known.

    A process publishes facts of its first breakers only, and one of another version none.
    """
    opsgenie, drill = settings.opsgenie, bool(seen.drill)
    return AlertContent(
        message=truncate(f"{seen.breaker} {policy.LABELS[seen.kind]}", MESSAGE),
        description="No figures are known: they are in another process.",
        entity=truncate(seen.breaker, ENTITY),
        source=truncate(opsgenie.source, SOURCE),
        team=identity.team,
        tags=alert_tags(seen.breaker, seen.kind, opsgenie, identity, drill=drill),
    )


def new_member(newcomer: Newcomer, incident: Incident) -> Member:
    """Return a breaker as it joins an incident."""
    seen = newcomer.observation
    return Member(
        seen.kind,
        seen.since,
        severity=severity_in(incident, seen),
        notify_at=newcomer.notify_at,
        cause=seen.cause,
        reason=seen.reason,
        held_by=newcomer.held_by,
    )


def stages_for(facts: AlertContext, settings: AlertingSettings) -> tuple[Stage, ...]:
    """Return the stages of an incident with these facts that opens now."""
    plans = policy.plans(settings)
    if facts.kind != policy.DEGRADED:
        return plans[PAGE]
    return plans.get(DEGRADED) or plans[degraded_severity(facts.status)]


def severity_in(incident: Incident, observation: Observation) -> str:
    """Return which of the incident's stages a breaker has."""
    set_by_hand = observation.kind == policy.DEGRADED and DEGRADED in incident.plans
    return DEGRADED if set_by_hand else observation.severity


def needs_another(incident: Incident, observation: Observation) -> bool:
    """Return True if the observation needs another incident.

    A drill must not hide a real incident, nor be continued as one.
    """
    if observation.drill is None or observation.drill == incident.drill:
        return False
    return incident.drill or incident.phase is Phase.RESOLVING
