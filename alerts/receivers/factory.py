"""The receivers that settings ask for."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from breakerd.alerts.receivers.apprise import AppriseSink, missing
from breakerd.alerts.receivers.base import Sink
from breakerd.alerts.receivers.jsm import JsmSink
from breakerd.alerts.receivers.jsm_ops import JsmOpsSink
from breakerd.alerts.receivers.log import LogSink
from breakerd.alerts.receivers.opsgenie import OpsGenieSink
from breakerd.alerts.receivers.pagerduty import PagerDutySink
from breakerd.alerts.receivers.slack import SlackSink
from breakerd.alerts.receivers.webhook import WebhookSink
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.receivers import (
    AppriseSettings,
    JsmOpsSettings,
    JsmSettings,
    PagerDutySettings,
    SinkSettings,
    SlackSettings,
    WebhookSettings,
)

_OF_NO_MATTER: Final = {"enabled", "min_priority", "fallback", "heartbeat", "heartbeat_team"}
"""Settings that say when it is told; the receiver is the same."""


@dataclass(frozen=True, slots=True)
class ConfiguredSink:
    """One receiver as the settings describe it.

    Attributes:
        name: as in metrics; unique.
        identity: what makes it another receiver if it changes.
        make: makes it; it holds connections from then on.
        min_priority: it hears only of incidents that are at least this urgent.
        fallback: whether it is told only what no other was.
    """

    name: str
    identity: Hashable
    make: Callable[[], Sink]
    min_priority: str = "P5"
    fallback: bool = False


def configured_sinks(settings: AlertingSettings) -> list[ConfiguredSink]:
    """The receivers that `settings` ask for; the log alone where there is none that is regular."""
    timeout = settings.alerts.request_timeout
    found = [*_opsgenie(settings), *_others(settings, timeout)]
    regular = [sink for sink in found if not sink.fallback]
    return found if regular else [ConfiguredSink(LogSink.name, (), LogSink), *found]


def unusable_sinks(settings: AlertingSettings) -> dict[str, str]:
    """The receivers that are switched on and cannot be told, each with what is missing."""
    return {
        name: missing
        for name, sink in settings.alerts.sinks.named().items()
        if (missing := _missing(sink))
    }


def _opsgenie(settings: AlertingSettings) -> list[ConfiguredSink]:
    opsgenie, timeout = settings.opsgenie, settings.alerts.request_timeout
    key = opsgenie.api_key
    if not opsgenie.active or key is None:
        return []

    def make() -> Sink:
        if opsgenie.flavour == "jsm":
            return JsmSink(opsgenie.flavour, key, timeout, opsgenie.api_url)
        return OpsGenieSink(opsgenie, timeout)

    identity = (key, opsgenie.flavour, opsgenie.api_url, opsgenie.region, timeout)
    # Each flavour has a name of its own: what one knows is news to the other.
    return [ConfiguredSink(opsgenie.flavour, identity, make, opsgenie.min_priority)]


def _others(settings: AlertingSettings, timeout: float) -> list[ConfiguredSink]:
    return [
        ConfiguredSink(
            name,
            (sink.model_dump_json(exclude=_OF_NO_MATTER), _secrets(sink), timeout),
            _maker(name, sink, timeout),
            sink.min_priority,
            sink.fallback,
        )
        for name, sink in settings.alerts.sinks.named().items()
        if not _missing(sink)
    ]


def _maker(name: str, sink: SinkSettings, timeout: float) -> Callable[[], Sink]:
    return lambda: _made(name, sink, timeout)


def _made(name: str, sink: SinkSettings, timeout: float) -> Sink:
    match sink:
        case JsmSettings(key=key) if key:
            return JsmSink(name, key, timeout, sink.api_url)
        case JsmOpsSettings(key=key) if key:
            auth = (sink.user, key)
            return JsmOpsSink(name, sink.cloud_id, auth, timeout, sink.api_url, sink.responders)
        case PagerDutySettings(key=key) if key:
            return PagerDutySink(name, key, timeout, sink.api_url)
        case WebhookSettings(url=url) if url:
            return WebhookSink(
                name, url, timeout, key=sink.key, headers=sink.headers, template=sink.template
            )
        case SlackSettings(url=url) if url:
            return SlackSink(name, url, timeout)
        case AppriseSettings(url=url) if url:
            return AppriseSink(name, url, timeout, notes=sink.notes)
    raise ValueError(f"{name} cannot be made: it lacks {_missing(sink)}")


def _missing(sink: SinkSettings) -> str:
    """What it cannot do without, and does not have."""
    if isinstance(sink, AppriseSettings) and sink.url:
        return missing(sink.url)
    name = "key" if isinstance(sink, JsmSettings | JsmOpsSettings | PagerDutySettings) else "url"
    return "" if getattr(sink, name) else name


def _secrets(sink: SinkSettings) -> tuple[Hashable, ...]:
    """What a dump of the settings does not show."""
    headers = getattr(sink, "headers", {})
    return getattr(sink, "key", None), getattr(sink, "url", None), tuple(headers.items())
