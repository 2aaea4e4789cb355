"""Makes the receivers that the settings ask for."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from breakerd.alerts.receivers.apprise import AppriseReceiver, missing_requirement
from breakerd.alerts.receivers.base import Receiver
from breakerd.alerts.receivers.jsm import JsmReceiver
from breakerd.alerts.receivers.jsm_ops import JsmOpsReceiver
from breakerd.alerts.receivers.log import LogReceiver
from breakerd.alerts.receivers.opsgenie import OpsGenieReceiver
from breakerd.alerts.receivers.pagerduty import PagerDutyReceiver
from breakerd.alerts.receivers.slack import SlackBotReceiver, SlackReceiver
from breakerd.alerts.receivers.slack.web_api import SlackWebApi
from breakerd.alerts.receivers.webhook import WebhookReceiver
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.receivers import (
    AppriseSettings,
    JsmOpsSettings,
    JsmSettings,
    PagerDutySettings,
    ReceiverSettings,
    SlackSettings,
    WebhookSettings,
)

_NON_IDENTITY_KEYS: Final = {
    "enabled", "min_priority", "fallback", "heartbeat", "heartbeat_team", "token_expires",
}  # fmt: skip
"""Settings that decide when a receiver is used; a change of them keeps the receiver."""


@dataclass(frozen=True, slots=True)
class ConfiguredReceiver:
    """One receiver as the settings describe it.

    Attributes:
        name: unique name, as in metrics.
        identity: value that changes if a new receiver has to be made.
        make: makes the receiver, which holds connections from then on.
        min_priority: lowest priority that is sent to it.
        fallback: True if it gets only what no other receiver has confirmed.
    """

    name: str
    identity: Hashable
    make: Callable[[], Receiver]
    min_priority: str = "P5"
    fallback: bool = False


def configured_receivers(settings: AlertingSettings) -> list[ConfiguredReceiver]:
    """Return the receivers that `settings` ask for, with the log if all others are fallbacks."""
    timeout = settings.alerts.request_timeout
    found = [*_opsgenie(settings), *_others(settings, timeout)]
    regular = [receiver for receiver in found if not receiver.fallback]
    return found if regular else [ConfiguredReceiver(LogReceiver.name, (), LogReceiver), *found]


def incomplete_receivers(settings: AlertingSettings) -> dict[str, str]:
    """Return what is missing, by name, for the enabled receivers that cannot be used."""
    return {
        name: missing
        for name, receiver in settings.alerts.receivers.named().items()
        if (missing := _missing(receiver))
    }


def setup_problems(settings: AlertingSettings) -> list[str]:
    """Return what is missing in the settings of receivers, as sentences."""
    opsgenie = settings.opsgenie
    found = ["OPSGENIE_API_KEY is not set"] if opsgenie.active and opsgenie.api_key is None else []
    incomplete = incomplete_receivers(settings).items()
    return found + [f"[alerts.receivers.{name}] has no {missing}" for name, missing in incomplete]


def _opsgenie(settings: AlertingSettings) -> list[ConfiguredReceiver]:
    opsgenie, timeout = settings.opsgenie, settings.alerts.request_timeout
    key = opsgenie.api_key
    if not opsgenie.active or key is None:
        return []

    def make() -> Receiver:
        if opsgenie.flavour == "jsm":
            return JsmReceiver(opsgenie.flavour, key, timeout, opsgenie.api_url)
        return OpsGenieReceiver(opsgenie, timeout)

    identity = (key, opsgenie.flavour, opsgenie.api_url, opsgenie.region, timeout)
    # Each flavour has a name of its own: an incident known to one is new to the other.
    return [ConfiguredReceiver(opsgenie.flavour, identity, make, opsgenie.min_priority)]


def _others(settings: AlertingSettings, timeout: float) -> list[ConfiguredReceiver]:
    return [
        ConfiguredReceiver(
            name,
            (receiver.model_dump_json(exclude=_NON_IDENTITY_KEYS), _secrets(receiver), timeout),
            _maker(name, receiver, timeout),
            receiver.min_priority,
            receiver.fallback,
        )
        for name, receiver in settings.alerts.receivers.named().items()
        if not _missing(receiver)
    ]


def _maker(name: str, settings: ReceiverSettings, timeout: float) -> Callable[[], Receiver]:
    return lambda: _make(name, settings, timeout)


def _make(name: str, settings: ReceiverSettings, timeout: float) -> Receiver:
    match settings:
        case JsmSettings(key=key) if key:
            return JsmReceiver(name, key, timeout, settings.api_url)
        case JsmOpsSettings(key=key) if key:
            auth, site = (settings.user, key), settings.cloud_id
            return JsmOpsReceiver(name, site, auth, timeout, settings.api_url, settings.responders)
        case PagerDutySettings(key=key) if key:
            return PagerDutyReceiver(name, key, timeout, settings.api_url)
        case WebhookSettings(url=url) if url:
            return WebhookReceiver(
                name,
                url,
                timeout,
                key=settings.key,
                headers=settings.headers,
                template=settings.template,
            )
        case SlackSettings() if not _missing_of_slack(settings):
            return _make_slack(name, settings, timeout)
        case AppriseSettings(url=url) if url:
            return AppriseReceiver(name, url, timeout, notes=settings.notes)
    raise ValueError(f"{name} has no {_missing(settings)}")


def _make_slack(name: str, settings: SlackSettings, timeout: float) -> Receiver:
    """Return a receiver with the token, which can do more, else one with the webhook."""
    if settings.token:
        api = SlackWebApi(settings.token, timeout, settings.api_url)
        return SlackBotReceiver(name, api, settings.channel)
    return SlackReceiver(name, settings.url or SecretStr(""), timeout)


def _missing(settings: ReceiverSettings) -> str:
    """Return the mandatory setting that is not set; empty if all are."""
    if isinstance(settings, AppriseSettings) and settings.url:
        return missing_requirement(settings.url)
    if isinstance(settings, SlackSettings):
        return _missing_of_slack(settings)
    name = "url" if "url" in type(settings).model_fields else "key"
    return "" if getattr(settings, name) else name


def _missing_of_slack(settings: SlackSettings) -> str:
    if settings.token:
        return "" if settings.channel else "channel"
    return "" if settings.url else "url or token"


def _secrets(settings: ReceiverSettings) -> tuple[Hashable, ...]:
    """Return the secrets, which a dump of the settings does not contain."""
    headers = getattr(settings, "headers", {})
    secrets = (getattr(settings, name, None) for name in ("key", "url", "token"))
    return (*secrets, *headers.items())
