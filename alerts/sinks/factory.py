"""The receivers that settings ask for."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from alerts import policy
from alerts.settings import AlertingSettings
from alerts.sinks.log import LogSink
from alerts.sinks.opsgenie import OpsGenieSink, address_of
from alerts.sinks.protocol import Sink


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
    """The receivers that `settings` ask for; the log alone where there is none."""
    opsgenie, timeout = settings.opsgenie, settings.alerts.request_timeout
    if policy.sends(opsgenie) and opsgenie.api_key is not None:
        identity = (opsgenie.api_key, address_of(opsgenie), timeout)
        return [
            ConfiguredSink(OpsGenieSink.name, identity, lambda: OpsGenieSink(opsgenie, timeout))
        ]
    return [ConfiguredSink(LogSink.name, (), LogSink)]
