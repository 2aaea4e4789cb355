"""Checks the alerting set-up; changes nothing, and pages nobody."""

import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from breakerd.alerts.doctor.database_check import check_database
from breakerd.alerts.doctor.finding import Finding, fail, ok, unknown, warning
from breakerd.alerts.doctor.jsm_checks import FLAVOUR, JsmIntegration, JsmSite
from breakerd.alerts.doctor.opsgenie_checks import OpsGenieAccount
from breakerd.alerts.doctor.products import Addresses
from breakerd.alerts.receivers.factory import (
    ConfiguredReceiver,
    configured_receivers,
    incomplete_receivers,
)
from breakerd.alerts.receivers.log import LogReceiver
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.receivers import (
    JsmOpsSettings,
    JsmSettings,
    PagerDutySettings,
    ReceiverSettings,
)
from breakerd.alerts.settings.service_identity import resolve_identity

_MAX_TIMEOUT: Final = 10.0
"""Maximum number of seconds of one request."""
_USE_SEND_TEST: Final = "use --send-test"
_URGENCY: Final = "cannot be seen; if it is fixed, a P4 rouses people like a P1"
_PUBLIC_URL: Final = (
    "set it to the address at which people reach breakerd's pages, such as https://ops.example.org"
)
_FOLLOW_SEVERITY: Final = (
    "in the service's settings at PagerDuty choose dynamic notifications based on alert severity"
)


def run_checks(
    settings: AlertingSettings,
    *,
    now: Callable[[], float] = time.time,
    addresses: Addresses | None = None,
) -> Iterator[Finding]:
    """Run all checks, and yield each finding as soon as it is known.

    Args:
        settings: settings with the environment applied.
        now: this machine's time, in seconds since the epoch.
        addresses: public addresses of OpsGenie and Jira Service Management; None: Atlassian's.
    """
    addresses = addresses or Addresses()
    yield check_receivers(settings)
    yield from check_incomplete(settings)
    yield check_fallback(settings)
    yield from check_links(settings)
    if settings.opsgenie.active:
        yield from check_identity(settings)
        yield from _check_opsgenie(settings, now, addresses)
    incomplete = incomplete_receivers(settings)
    for name, receiver in settings.alerts.receivers.named().items():
        if name not in incomplete:
            yield from _check_receiver(name, receiver, _timeout(settings), now, addresses)
    yield from check_database(settings, now())


def check_receivers(settings: AlertingSettings) -> Finding:
    """Check that at least one receiver pages somebody."""
    found = [each for each in configured_receivers(settings) if each.name != LogReceiver.name]
    regular = [receiver for receiver in found if not receiver.fallback]
    if regular:
        return ok("receivers", ", ".join(map(_describe, regular)))
    opsgenie = settings.opsgenie
    if opsgenie.active:
        missing, advice = "OPSGENIE_API_KEY is not set", "set it to the key of an API integration"
    else:
        missing = "[opsgenie] is not enabled, or not in this environment"
        advice = "set `enabled = true`, or add a receiver in [alerts.receivers]"
    return fail("receivers", f"nobody is paged: {missing}", advice)


def check_incomplete(settings: AlertingSettings) -> Iterator[Finding]:
    """Report the enabled receivers that lack a mandatory setting."""
    for name, missing in incomplete_receivers(settings).items():
        yield fail(
            name,
            f"gets no alerts: it has no {missing}",
            f"set {missing}, {missing}_file or the variable, or `enabled = false`",
        )


def check_fallback(settings: AlertingSettings) -> Finding:
    """Check that a receiver stands in if the others cannot be reached."""
    found = [receiver for receiver in configured_receivers(settings) if receiver.fallback]
    if found:
        wait = settings.alerts.fallback_after
        names = ", ".join(receiver.name for receiver in found)
        return ok("fallback", f"{names}, if no other receiver could be reached for {wait:g} s")
    return unknown(
        "fallback",
        "none: while a receiver is down or rejects its key, no other stands in",
        "mark a receiver in [alerts.receivers] with `fallback = true`",
    )


def check_links(settings: AlertingSettings) -> Iterator[Finding]:
    """Check that alerts link to the page of their incident, if they reach anybody."""
    if all(each.name == LogReceiver.name for each in configured_receivers(settings)):
        return
    url = settings.public_url
    if not url:
        found = "alerts have none to the page of their incident: `public_url` in [api] is empty"
        yield warning("links", found, _PUBLIC_URL)
    elif _is_loopback(urlsplit(url).hostname or ""):
        found = f"`public_url` in [api] is {url}, which nobody reaches from another machine"
        yield warning("links", found, _PUBLIC_URL)
    else:
        yield ok("links", f"alerts link to the page of their incident below {url}")


def check_identity(settings: AlertingSettings) -> Iterator[Finding]:
    """Check the fields that every alert must have."""
    found = resolve_identity(settings.opsgenie)
    missing = (*found.problems, *found.gaps)
    for sentence in missing:
        yield warning("identity", sentence, "set it in [opsgenie]")
    if not missing:
        values = (found.team, found.environment, found.bookmaker_id, found.hostname, found.business)
        yield ok("identity", " / ".join(values))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _describe(receiver: ConfiguredReceiver) -> str:
    lowest = receiver.min_priority
    return receiver.name if lowest == "P5" else f"{receiver.name} from {lowest} on"


def _check_opsgenie(
    settings: AlertingSettings, now: Callable[[], float], addresses: Addresses
) -> Iterator[Finding]:
    opsgenie, timeout = settings.opsgenie, _timeout(settings)
    if opsgenie.api_key is None:
        return
    if opsgenie.flavour == "jsm":
        integration = JsmIntegration(
            FLAVOUR, opsgenie.api_key, timeout, opsgenie.api_url, addresses
        )
        yield from integration.findings(now)
        if opsgenie.heartbeat:
            yield fail(
                "heartbeat",
                "an integration of Jira Service Management has none",
                "set `heartbeat` in [alerts.receivers.jsm_ops.NAME], and not in [opsgenie]",
            )
        return
    yield from OpsGenieAccount(settings, opsgenie.api_key, timeout, addresses).findings(now)


def _check_receiver(
    name: str,
    receiver: ReceiverSettings,
    timeout: float,
    now: Callable[[], float],
    addresses: Addresses,
) -> Iterator[Finding]:
    match receiver:
        case JsmSettings(key=key, api_url=url) if key:
            yield from JsmIntegration(name, key, timeout, url, addresses).findings(now)
        case JsmOpsSettings(key=key) if key:
            yield from JsmSite(name, receiver, key, timeout, addresses).findings(now)
        case _:
            yield unknown(name, "can be checked only by sending an alert", _USE_SEND_TEST)
    if isinstance(receiver, PagerDutySettings):
        yield unknown(f"{name} urgency", _URGENCY, _FOLLOW_SEVERITY)


def _timeout(settings: AlertingSettings) -> float:
    return min(_MAX_TIMEOUT, settings.alerts.request_timeout)
