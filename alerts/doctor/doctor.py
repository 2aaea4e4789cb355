"""Looks at whether the alerting is set up right; changes nothing, and pages nobody."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from breakerd.alerts.doctor.database_check import check_database
from breakerd.alerts.doctor.finding import Finding, bad, good, unknown, warning
from breakerd.alerts.doctor.jsm_checks import JsmIntegration, JsmSite
from breakerd.alerts.doctor.opsgenie_checks import OpsGenieAccount
from breakerd.alerts.receivers.factory import (
    ConfiguredReceiver,
    configured_receivers,
    incomplete_receivers,
)
from breakerd.alerts.receivers.log import LogReceiver
from breakerd.alerts.receivers.opsgenie import ADDRESSES
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.receivers import JsmOpsSettings, JsmSettings, ReceiverSettings
from breakerd.alerts.settings.service_identity import resolve_identity

_LONGEST_REQUEST: Final = 10.0
"""Seconds."""


def examine(
    settings: AlertingSettings,
    *,
    now: Callable[[], float] = time.time,
    addresses: Mapping[str, str] = ADDRESSES,
) -> Iterator[Finding]:
    """What is found, one after the other, as it is found.

    Args:
        settings: with what the environment says in them.
        now: seconds since the epoch, as this machine believes.
        addresses: of OpsGenie's regions.
    """
    yield told(settings)
    yield from unusable(settings)
    yield fallback(settings)
    if settings.opsgenie.active:
        yield from fields(settings)
        yield from _opsgenie(settings, now, addresses)
    for name, sink in settings.alerts.receivers.named().items():
        if name not in incomplete_receivers(settings):
            yield from _other(name, sink, settings, now)
    yield from check_database(settings, now())


def told(settings: AlertingSettings) -> Finding:
    """Who is told."""
    sinks = [sink for sink in configured_receivers(settings) if sink.name != LogReceiver.name]
    regular = [sink for sink in sinks if not sink.fallback]
    if regular:
        return good("told", ", ".join(map(_described, regular)))
    opsgenie = settings.opsgenie
    if opsgenie.active:
        missing, advice = "OPSGENIE_API_KEY is not set", "set it to the key of an API integration"
    else:
        missing = "[opsgenie] sends nothing: it is not enabled, at least not in this environment"
        advice = "set `enabled = true`, or a receiver in [alerts.receivers]"
    return bad("told", f"nobody is paged: {missing}", advice)


def unusable(settings: AlertingSettings) -> Iterator[Finding]:
    """Receivers that lack what they cannot do without."""
    for name, missing in incomplete_receivers(settings).items():
        yield bad(
            name,
            f"it is not told: it has no {missing}",
            f"set {missing}, {missing}_file or the variable, or `enabled = false`",
        )


def fallback(settings: AlertingSettings) -> Finding:
    """Who is told if the others cannot be."""
    found = [sink for sink in configured_receivers(settings) if sink.fallback]
    if found:
        wait = settings.alerts.fallback_after
        names = ", ".join(sink.name for sink in found)
        return good("fallback", f"{names}, where nobody else could be told for {wait:g} s")
    return unknown(
        "fallback",
        "none: while a receiver is down or refuses the key, nobody is told in its place",
        "mark a receiver in [alerts.receivers] with `fallback = true`",
    )


def fields(settings: AlertingSettings) -> Iterator[Finding]:
    """The fields that every alert must have."""
    found = resolve_identity(settings.opsgenie)
    for problem in found.problems:
        yield warning("fields", problem, "set it in [opsgenie]")
    if not found.problems:
        values = (found.team, found.environment, found.bookmaker_id, found.hostname, found.business)
        yield good("fields", " / ".join(values))


def _described(sink: ConfiguredReceiver) -> str:
    return sink.name if sink.min_priority == "P5" else f"{sink.name} from {sink.min_priority} on"


def _opsgenie(
    settings: AlertingSettings, now: Callable[[], float], addresses: Mapping[str, str]
) -> Iterator[Finding]:
    opsgenie, timeout = settings.opsgenie, _timeout(settings)
    if opsgenie.api_key is None:
        return
    if opsgenie.flavour == "jsm":
        integration = JsmIntegration("jsm", opsgenie.api_key, timeout, opsgenie.api_url)
        yield from integration.findings(now)
        if opsgenie.heartbeat:
            yield bad(
                "heartbeat",
                "an integration of Jira Service Management has none",
                "set `heartbeat` in [alerts.receivers.jsm_ops.NAME], and not in [opsgenie]",
            )
        return
    yield from OpsGenieAccount(settings, opsgenie.api_key, timeout, addresses).findings(now)


def _other(
    name: str, sink: ReceiverSettings, settings: AlertingSettings, now: Callable[[], float]
) -> Iterator[Finding]:
    match sink:
        case JsmSettings(key=key) if key:
            yield from JsmIntegration(name, key, _timeout(settings), sink.api_url).findings(now)
        case JsmOpsSettings(key=key) if key:
            yield from JsmSite(name, sink, key, _timeout(settings)).findings(now)
        case _:
            yield unknown(name, "it cannot be asked without telling it something", _BY_TEST)


_BY_TEST: Final = "--send-test does"


def _timeout(settings: AlertingSettings) -> float:
    return min(_LONGEST_REQUEST, settings.alerts.request_timeout)
