"""The heartbeats that settings ask for, each pinged as long as its receiver can be told."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from breakerd.alerts.heartbeat.clients import JsmHeartbeat, OpsGenieHeartbeat
from breakerd.alerts.heartbeat.heartbeat import Heartbeat, HeartbeatAction, HeartbeatClient
from breakerd.alerts.receivers.opsgenie import OpsGenieReceiver, address_of
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.receivers import JsmOpsSettings
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_LONGEST_REQUEST: Final = 5.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class ConfiguredHeartbeat:
    """One heartbeat as the settings describe it.

    Attributes:
        sink: the receiver that it is about, as in metrics.
        identity: what makes it another one if it changes.
        make: makes its client, which holds connections from then on.
    """

    sink: str
    identity: Hashable
    make: Callable[[], HeartbeatClient]


def configured_heartbeats(settings: AlertingSettings) -> list[ConfiguredHeartbeat]:
    """The heartbeats that `settings` ask for, of receivers that are told."""
    timeout = min(_LONGEST_REQUEST, settings.alerts.request_timeout)
    found = [_of_opsgenie(settings, timeout)]
    found += [
        _of_jsm(name, sink, timeout)
        for name, sink in settings.alerts.receivers.named().items()
        if isinstance(sink, JsmOpsSettings)
    ]
    return [each for each in found if each is not None]


def heartbeat_problems(settings: AlertingSettings) -> list[str]:
    """Why heartbeats that are wanted cannot be pinged, in sentences."""
    opsgenie = settings.opsgenie
    found = [
        f"[alerts.receivers.{name}] has a heartbeat, and no heartbeat_team"
        for name, sink in settings.alerts.receivers.named().items()
        if isinstance(sink, JsmOpsSettings) and sink.heartbeat and not sink.heartbeat_team
    ]
    if opsgenie.heartbeat and opsgenie.flavour == "jsm":
        found.append(
            "an integration of Jira Service Management has no heartbeats: set one in "
            "[alerts.receivers.jsm_ops.NAME], in place of that in [opsgenie]"
        )
    return found


class Heartbeats:
    """All heartbeats of one process.

    Each request has a thread of its own, so that one that hangs delays no alert.

    Args:
        settings: which there are.
        threaded: whether requests have threads; else they are done by `round`.
    """

    def __init__(self, settings: AlertingSettings, *, threaded: bool) -> None:
        self._threaded = threaded
        self._settings = settings
        self._tasks: dict[str, _HeartbeatTask] = {}
        self.reconfigure(settings)

    def reconfigure(self, settings: AlertingSettings) -> None:
        """Changes the heartbeats to those that these settings ask for; the others go on."""
        wanted = {each.sink: each for each in configured_heartbeats(settings)}
        kept = {
            sink: beat
            for sink, beat in self._tasks.items()
            if sink in wanted and wanted[sink].identity == beat.configured.identity
        }
        gone = [beat for sink, beat in self._tasks.items() if sink not in kept]
        self._settings = settings
        self._tasks = {
            sink: kept.get(sink) or _HeartbeatTask(each) for sink, each in wanted.items()
        }
        for beat in gone:
            beat.close()

    def run_due(self, now: float, succeeded_at: Callable[[str], float]) -> None:
        """Pings what is due.

        Args:
            now: seconds since the epoch.
            succeeded_at: when a round of delivering to that sink last succeeded.
        """
        for sink, beat in self._tasks.items():
            beat.run_due(now, succeeded_at(sink), threaded=self._threaded)

    @property
    def last_success(self) -> dict[str, float]:
        """When each was last pinged, in seconds since the epoch; 0 if never."""
        return {sink: beat.heartbeat.last_success for sink, beat in self._tasks.items()}

    def problems(self) -> list[str]:
        """What is wrong with them, in sentences."""
        found = [beat.heartbeat.problem for beat in self._tasks.values()]
        return heartbeat_problems(self._settings) + [problem for problem in found if problem]

    def close(self) -> None:
        """Lets go of connections."""
        for beat in self._tasks.values():
            beat.close()


class _HeartbeatTask:
    """A heartbeat, and the request that is under way."""

    def __init__(self, configured: ConfiguredHeartbeat) -> None:
        self.configured = configured
        self.heartbeat = Heartbeat(configured.make())
        self._lock = threading.Lock()
        self._busy = False
        self._closed = False

    def run_due(self, now: float, succeeded_at: float, *, threaded: bool) -> None:
        """Asks what is due, unless the last request is still under way."""
        act = None if self._busy else self.heartbeat.next_action(now, succeeded_at)
        if act is None or not self._begin():
            return
        if threaded:
            name = f"breakerd-heartbeat-{self.configured.sink}"
            threading.Thread(target=self._perform, args=(act, now), name=name, daemon=True).start()
        else:
            self._perform(act, now)

    def close(self) -> None:
        """Closes the connections, once nothing is under way."""
        with self._lock:
            self._closed = True
            if not self._busy:
                self.heartbeat.client.close()

    def _begin(self) -> bool:
        with self._lock:
            self._busy = not self._closed
            return self._busy

    def _perform(self, act: HeartbeatAction, now: float) -> None:
        try:
            self.heartbeat.execute(act, now)
        except Exception:  # noqa: BLE001 - a thread has nobody else to tell
            _log.exception("a heartbeat failed")
        with self._lock:
            self._busy = False
            if self._closed:
                self.heartbeat.client.close()


def _of_opsgenie(settings: AlertingSettings, timeout: float) -> ConfiguredHeartbeat | None:
    opsgenie = settings.opsgenie
    name, key, address = opsgenie.heartbeat, opsgenie.api_key, address_of(opsgenie)
    if not name or key is None or opsgenie.flavour == "jsm" or not opsgenie.active:
        return None
    return ConfiguredHeartbeat(
        OpsGenieReceiver.name,
        (name, key, address, timeout),
        lambda: OpsGenieHeartbeat(name, key, timeout, address),
    )


def _of_jsm(sink: str, settings: JsmOpsSettings, timeout: float) -> ConfiguredHeartbeat | None:
    name, team, key = settings.heartbeat, settings.heartbeat_team, settings.key
    if not (name and team) or key is None:
        return None
    cloud_id, user, address = settings.cloud_id, settings.user, settings.api_url
    return ConfiguredHeartbeat(
        sink,
        (name, team, key, cloud_id, user, address, timeout),
        lambda: JsmHeartbeat(name, team, cloud_id, (user, key), timeout, address),
    )
