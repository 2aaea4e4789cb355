"""Rules about who is paged, and by what."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from breakerd.alerts.incidents.policy import plans
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.alerts.settings.token_end import days_left, in_days
from breakerd.api.advice.rule import Concern, Rule, Subject
from breakerd.breaker.config import Key

_RECEIVERS: Final = ("alerts", "receivers")
_TRIGGERS: Final = (
    "trigger_on_breaker_open",
    "trigger_on_memory_threshold",
    "trigger_on_latency_threshold",
    "trigger_on_degraded",
)
_SOON: Final = 14
"""Days before the end of a token from which it is told."""


def _alerting_without_key(subject: Subject) -> Iterator[Concern]:
    settings = subject.settings.alerting
    opsgenie = settings.opsgenie
    if opsgenie.active and opsgenie.api_key is None:
        text = "it pages nobody, as it has no key: set OPSGENIE_API_KEY, or `api_key_file`"
        yield Concern(text, (("opsgenie", "enabled"), ("opsgenie",)))
    if not settings.alerts.receivers.named():
        return
    try:
        # The receivers bring an HTTP client along, which a file without them does not need.
        from breakerd.alerts.receivers.factory import incomplete_receivers
    except ModuleNotFoundError:
        return  # a program without the extra sends no alerts, and says so elsewhere

    for name, missing in incomplete_receivers(settings).items():
        text = f"it gets no alerts, as it has no {missing}; set it, its file, or its variable"
        yield Concern(text, (_key_of(name),))


def _no_team(subject: Subject) -> Iterator[Concern]:
    opsgenie = subject.settings.alerting.opsgenie
    if opsgenie.active and resolve_identity(opsgenie, subject.environ).problems:
        text = "no `team` is set, so that alerts say 'unknown' and may reach nobody"
        yield Concern(text, (("opsgenie", "enabled"), ("opsgenie",)))


def _receiver_never_reached(subject: Subject) -> Iterator[Concern]:
    settings = subject.settings.alerting
    stages = [stage for plan in plans(settings).values() for stage in plan]
    highest = min(stage.priority for stage in stages)
    for key, lowest in _lowest_priorities(settings):
        if lowest < highest:
            text = (
                f"no stage is as urgent as {lowest}, the highest is {highest}: it never gets an "
                "alert"
            )
            yield Concern(text, ((*key, "min_priority"), key))


def _only_fallbacks(subject: Subject) -> Iterator[Concern]:
    settings = subject.settings.alerting
    named = settings.alerts.receivers.named()
    if named and not settings.opsgenie.active and all(each.fallback for each in named.values()):
        wait = settings.alerts.fallback_after
        text = (
            f"every receiver is a fallback, so that each alert waits {wait:g} s for a receiver "
            "that is not there: leave one without `fallback`"
        )
        keys = [(*_key_of(name), "fallback") for name in named]
        yield Concern(text, tuple(keys))


def _nothing_triggers(subject: Subject) -> Iterator[Concern]:
    settings = subject.settings.alerting
    pages = settings.opsgenie.active or settings.alerts.receivers.named()
    if pages and not any(getattr(settings.opsgenie, name) for name in _TRIGGERS):
        text = "with all four triggers off, no incident is ever opened, in any receiver"
        yield Concern(text, tuple(("opsgenie", name) for name in _TRIGGERS))


def _environment_unknown(subject: Subject) -> Iterator[Concern]:
    opsgenie = subject.settings.alerting.opsgenie
    known = [name.casefold() for name in opsgenie.environment_settings]
    if not (opsgenie.enabled and opsgenie.use_environments):
        return
    if opsgenie.environment.casefold() not in known:
        named = repr(opsgenie.environment) if opsgenie.environment else "that is not set"
        text = f"the environment {named} has no table in `environment_settings`: all of it is sent"
        keys = (("opsgenie", "environment"), ("opsgenie", "use_environments"))
        yield Concern(text, keys)


def _token_ends(subject: Subject) -> Iterator[Concern]:
    for name, receiver in subject.settings.alerting.alerts.receivers.jsm_ops.items():
        end = receiver.token_expires
        if not receiver.enabled or end is None:
            continue
        left = days_left(end, subject.now)
        if left < _SOON:
            when = "has ended" if left < 0 else f"ends {in_days(left)}"
            today = datetime.fromtimestamp(subject.now, UTC).date()
            text = f"the API token {when} (it is {today}): create a new one"
            yield Concern(text, ((*_RECEIVERS, "jsm_ops", name, "token_expires"),))


def _lowest_priorities(settings: AlertingSettings) -> Iterator[tuple[Key, str]]:
    """Yield the table of each receiver in use, and the lowest priority that it takes."""
    if settings.opsgenie.active:
        yield ("opsgenie",), settings.opsgenie.min_priority
    for name, receiver in settings.alerts.receivers.named().items():
        yield _key_of(name), receiver.min_priority


def _key_of(receiver: str) -> Key:
    kind, _, name = receiver.partition(".")
    return (*_RECEIVERS, kind, name)


RULES: Final = (
    Rule(
        "alerting-without-key",
        "A receiver is enabled, and neither the file nor the environment has its key or URL: it "
        "pages nobody.",
        _alerting_without_key,
    ),
    Rule("no-team", "OpsGenie is enabled without a `team`: alerts may reach nobody.", _no_team),
    Rule(
        "receiver-never-reached",
        "A receiver's `min_priority` is more urgent than every stage: it never gets an alert.",
        _receiver_never_reached,
    ),
    Rule(
        "only-fallbacks",
        "Every receiver has `fallback = true`: each alert is late by `fallback_after`.",
        _only_fallbacks,
    ),
    Rule(
        "nothing-triggers",
        "All `trigger_on_…` of incidents are off: no receiver ever gets an alert.",
        _nothing_triggers,
    ),
    Rule(
        "environment-unknown",
        "`use_environments` is on, and the environment has no table: often a misspelt name.",
        _environment_unknown,
    ),
    Rule(
        "token-ends",
        "`token_expires` has passed, or is within 14 days: the receiver will refuse alerts.",
        _token_ends,
    ),
)
