"""Render a sample alert as each configured receiver would get it. Nothing is sent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import SecretStr

from breakerd.alerts.content.composer import compose
from breakerd.alerts.content.notes import stage_note
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.incidents.opening import stages_for
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.figures import CallCounts
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.preview.samples import AGE, sample
from breakerd.alerts.receivers.factory import configured_receivers, incomplete_receivers
from breakerd.alerts.settings.alerting import AlertingSettings, AlertsSettings
from breakerd.alerts.settings.service_identity import resolve_identity

_PLACEHOLDER: Final = SecretStr("preview")
_PLACEHOLDER_URL: Final = SecretStr("https://preview.invalid/")
_COUNTS: Final = CallCounts(success=3777, error=4120, rejected=12_403)
"""Calls of a sample incident that is not new."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """Sample of what one receiver would get.

    Attributes:
        receiver: name of the receiver.
        text: what it would be sent; empty if it would be sent nothing.
        remark: why it would be sent nothing, or cannot be shown; empty otherwise.
    """

    receiver: str
    text: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class SampleAlert:
    """Sample incident, and the step that its receivers are sent.

    Attributes:
        incident: the incident with its content.
        step: creation of the alert, or the change of its priority.
    """

    incident: Incident
    step: Step


def make_sample(
    settings: AlertingSettings, name: str, breaker: str, stage: int, now: float
) -> SampleAlert:
    """Return a sample alert.

    Args:
        settings: what an alert contains, and its stages.
        name: one of `SAMPLES`.
        breaker: name of the breaker.
        stage: number of the stage, from 1.
        now: seconds since the epoch.

    Raises:
        KeyError: there is no sample of that name.
        ValueError: there is no such stage.
    """
    facts = sample(name, breaker, now)
    stages = stages_for(facts, settings)
    if not 1 <= stage <= len(stages):
        listed = ", ".join(f"{at} is {each.priority}" for at, each in enumerate(stages, start=1))
        raise ValueError(f"found stage {stage}; allowed: {listed}")
    age = max(AGE, stages[stage - 1].after)
    incident = Incident(
        id="preview",
        alias=f"breakerd:preview:{breaker}",
        breaker=breaker,
        kind=facts.kind,
        opened_at=now - age,
        notify_at=now - age,
        stages=stages,
        content=AlertContent("", "", "", "breakerd"),
        drill=facts.drill,
        stage=stage - 1,
        counts=_COUNTS if stage > 1 else CallCounts(),
    )
    identity = resolve_identity(settings.opsgenie)
    incident.content = compose(Summary.of(incident, [facts], now), settings, identity)
    if stage == 1:
        return SampleAlert(incident, Step(StepKind.CREATE, priority=incident.priority))
    note = stage_note(incident, [facts], now)
    step = Step(StepKind.PRIORITY, priority=incident.priority, note=note, number=stage - 1)
    return SampleAlert(incident, step)


def render(settings: AlertingSettings, alert: SampleAlert) -> Iterator[Rendering]:
    """Yield what each receiver of the settings would get, also where its secret is not known here.

    Nothing is sent, and no connection is opened.
    """
    complete = _with_placeholders(settings)
    for name, missing in incomplete_receivers(complete).items():
        yield Rendering(name, remark=f"cannot be shown: it has no {missing}")
    for configured in configured_receivers(complete):
        if alert.step.priority > configured.min_priority:
            remark = f"sent nothing: {alert.step.priority} is below {configured.min_priority}"
            yield Rendering(configured.name, remark=remark)
            continue
        receiver = configured.make()
        try:
            text = receiver.preview(alert.incident, alert.step)
            yield Rendering(configured.name, text, "" if text else "sent nothing for this step")
        finally:
            receiver.close()


def _with_placeholders(settings: AlertingSettings) -> AlertingSettings:
    """Return the settings with a value for each secret that is missing here."""
    opsgenie = settings.opsgenie
    if opsgenie.api_key is None:
        opsgenie = opsgenie.model_copy(update={"api_key": _PLACEHOLDER})
    return replace(settings, opsgenie=opsgenie, alerts=_complete(settings.alerts))


def _complete(alerts: AlertsSettings) -> AlertsSettings:
    receivers = alerts.receivers
    filled = {
        kind: {name: _filled(each) for name, each in getattr(receivers, kind).items()}
        for kind in type(receivers).model_fields
        if kind != "apprise"  # its address decides what is sent
    }
    return alerts.model_copy(update={"receivers": receivers.model_copy(update=filled)})


def _filled(receiver: Any) -> Any:
    fields = type(receiver).model_fields
    name, value = ("url", _PLACEHOLDER_URL) if "url" in fields else ("key", _PLACEHOLDER)
    return receiver if getattr(receiver, name) else receiver.model_copy(update={name: value})
