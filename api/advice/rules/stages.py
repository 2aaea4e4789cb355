"""Rules about when people are told, and when they are told again."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from breakerd.alerts.incidents.policy import stages
from breakerd.alerts.settings.alerting import StageSettings
from breakerd.api.advice.rule import Concern, Rule, Subject

_OPSGENIE_STAGES: Final = (
    "time_before_send_alert",
    "initial_alert_priority",
    "escalated_alert_priority",
)


def _stages_fall(subject: Subject) -> Iterator[Concern]:
    alerts, opsgenie = subject.settings.alerting.alerts, subject.settings.alerting.opsgenie
    for name in ("stages", "degraded_stages"):
        yield from _falling(getattr(alerts, name), name)
    first, second = opsgenie.initial_alert_priority, opsgenie.escalated_alert_priority
    if opsgenie.has_two_stages and opsgenie.time_before_send_alert and second >= first:
        text = f"an incident that lasts goes from {first} to {second}, which is no more urgent"
        keys = ("escalated_alert_priority", "initial_alert_priority", "time_before_send_alert")
        yield Concern(text, tuple(("opsgenie", key) for key in keys))


def _falling(plan: Sequence[StageSettings], name: str) -> Iterator[Concern]:
    for number, (before, after) in enumerate(pairwise(plan), 1):
        at = ("alerts", name, str(number))
        if after.priority > before.priority:
            text = f"{after.priority} is less urgent than {before.priority} of the stage before"
            yield Concern(text, (at,))
        elif after.priority == before.priority and set(after.responders) <= set(before.responders):
            text = f"nothing changes at {after.after:g} s: neither the priority nor who is told"
            yield Concern(text, (at,))


def _stages_twice(subject: Subject) -> Iterator[Concern]:
    settings = subject.settings.alerting
    if settings.alerts.stages and settings.opsgenie.has_two_stages:
        text = "the stages of [alerts] are used, so that this has no effect: remove it"
        stated = [
            ("opsgenie", key) for key in _OPSGENIE_STAGES if subject.states(("opsgenie", key))
        ]
        yield Concern(text, (*stated, ("alerts", "stages")))


def _cooldown_above_escalation(subject: Subject) -> Iterator[Concern]:
    key = ("opsgenie", "alert_cooldown_seconds")
    cooldown = subject.settings.alerting.opsgenie.alert_cooldown_seconds
    last = stages(subject.settings.alerting)[-1].after
    if subject.states(key) and 0 < last < cooldown:
        text = (
            f"trouble that comes back is told up to {cooldown} s later, when its last stage, at "
            f"{last:g} s, would have been reached: make it at most that"
        )
        yield Concern(text, (key,))


def _closed_at_once(subject: Subject) -> Iterator[Concern]:
    key = ("alerts", "resolve_after")
    if subject.states(key) and subject.settings.alerting.alerts.resolve_after == 0:
        text = (
            "a breaker that opens and closes in turn makes a new alert each time: leave it healthy "
            "for some seconds first"
        )
        yield Concern(text, (key,))


RULES: Final = (
    Rule(
        "stages-fall",
        "A later stage is less urgent than the one before, or changes nothing.",
        _stages_fall,
    ),
    Rule(
        "stages-twice",
        "Stages are set in `[alerts]` and in `[opsgenie]`: those of `[opsgenie]` have no effect.",
        _stages_twice,
    ),
    Rule(
        "cooldown-above-escalation",
        "`alert_cooldown_seconds` is longer than the whole escalation: trouble that comes back is "
        "told late.",
        _cooldown_above_escalation,
    ),
    Rule(
        "closed-at-once",
        "`resolve_after = 0`: a breaker that flaps makes an alert each time.",
        _closed_at_once,
    ),
)
