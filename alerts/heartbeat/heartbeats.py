"""Heartbeats of the settings, each pinged while its receiver can be reached."""

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

_MAX_TIMEOUT: Final = 5.0
"""Maximum number of seconds of a request."""


@dataclass(frozen=True, slots=True)
class ConfiguredHeartbeat:
    """Heartbeat as configured.

    Attributes:
        receiver: name of its receiver, as in metrics.
        identity: settings that identify it; if they change, it is replaced.
        make: makes its client, which holds connections.
    """

    receiver: str
    identity: Hashable
    make: Callable[[], HeartbeatClient]


def configured_heartbeats(settings: AlertingSettings) -> list[ConfiguredHeartbeat]:
    """Return the heartbeats of the active receivers."""
    timeout = min(_MAX_TIMEOUT, settings.alerts.request_timeout)
    found = [_of_opsgenie(settings, timeout)]
    found += [
        _of_jsm(name, receiver, timeout)
        for name, receiver in settings.alerts.receivers.named().items()
        if isinstance(receiver, JsmOpsSettings)
    ]
    return [each for each in found if each is not None]


def heartbeat_problems(settings: AlertingSettings) -> list[str]:
    """Return the problems of the settings that keep heartbeats from being pinged."""
    opsgenie = settings.opsgenie
    found = [
        f"[alerts.receivers.{name}] has a heartbeat, and no heartbeat_team"
        for name, receiver in settings.alerts.receivers.named().items()
        if isinstance(receiver, JsmOpsSettings)
        and receiver.heartbeat
        and not receiver.heartbeat_team
    ]
    if opsgenie.heartbeat and opsgenie.flavour == "jsm":
        found.append(
            "an integration of Jira Service Management has no heartbeats: set one in "
            "[alerts.receivers.jsm_ops.NAME], in place of that in [opsgenie]"
        )
    return found


class Heartbeats:
    """Heartbeats of one process. For one thread.

    Each request has its own thread, so one that hangs delays no alert.

    Args:
        settings: settings that name the heartbeats.
        threaded: True if requests have threads; otherwise `run_due` waits for them.
    """

    def __init__(self, settings: AlertingSettings, *, threaded: bool) -> None:
        self._threaded = threaded
        self._settings = settings
        self._tasks: dict[str, _HeartbeatTask] = {}
        self.reconfigure(settings)

    def reconfigure(self, settings: AlertingSettings) -> None:
        """Replace the heartbeats whose settings have changed; keep the others running."""
        wanted = {each.receiver: each for each in configured_heartbeats(settings)}
        kept = {
            receiver: task
            for receiver, task in self._tasks.items()
            if receiver in wanted and wanted[receiver].identity == task.configured.identity
        }
        gone = [task for receiver, task in self._tasks.items() if receiver not in kept]
        self._settings = settings
        self._tasks = {
            receiver: kept.get(receiver) or _HeartbeatTask(each)
            for receiver, each in wanted.items()
        }
        for task in gone:
            task.close()

    def run_due(self, now: float, succeeded_at: Callable[[str], float]) -> None:
        """Send the requests that are due.

        Args:
            now: seconds since the epoch.
            succeeded_at: returns the time of a receiver's last successful delivery round.
        """
        for receiver, task in self._tasks.items():
            task.run_due(now, succeeded_at(receiver), threaded=self._threaded)

    @property
    def last_success(self) -> dict[str, float]:
        """Time of the last ping by receiver, in seconds since the epoch; 0 if never."""
        return {receiver: task.heartbeat.last_success for receiver, task in self._tasks.items()}

    def problems(self) -> list[str]:
        """Return the problems of all heartbeats, as sentences."""
        found = [task.heartbeat.problem for task in self._tasks.values()]
        return heartbeat_problems(self._settings) + [problem for problem in found if problem]

    def close(self) -> None:
        """Close all connections."""
        for task in self._tasks.values():
            task.close()


class _HeartbeatTask:
    """Heartbeat, and its request that is under way."""

    def __init__(self, configured: ConfiguredHeartbeat) -> None:
        self.configured = configured
        self.heartbeat = Heartbeat(configured.make())
        self._lock = threading.Lock()
        self._busy = False
        self._closed = False

    def run_due(self, now: float, succeeded_at: float, *, threaded: bool) -> None:
        """Send the request that is due, unless the last one is still under way."""
        action = None if self._busy else self.heartbeat.next_action(now, succeeded_at)
        if action is None or not self._begin():
            return
        if threaded:
            name = f"breakerd-heartbeat-{self.configured.receiver}"
            threading.Thread(
                target=self._execute, args=(action, now), name=name, daemon=True
            ).start()
        else:
            self._execute(action, now)

    def close(self) -> None:
        """Close the connections once no request is under way."""
        with self._lock:
            self._closed = True
            if not self._busy:
                self.heartbeat.client.close()

    def _begin(self) -> bool:
        with self._lock:
            self._busy = not self._closed
            return self._busy

    def _execute(self, action: HeartbeatAction, now: float) -> None:
        try:
            self.heartbeat.execute(action, now)
        except Exception:  # noqa: BLE001 - the thread must not end without a log entry
            _log.exception("heartbeat failed")
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


def _of_jsm(receiver: str, settings: JsmOpsSettings, timeout: float) -> ConfiguredHeartbeat | None:
    name, team, key = settings.heartbeat, settings.heartbeat_team, settings.key
    if not (name and team) or key is None:
        return None
    cloud_id, user, address = settings.cloud_id, settings.user, settings.api_url
    return ConfiguredHeartbeat(
        receiver,
        (name, team, key, cloud_id, user, address, timeout),
        lambda: JsmHeartbeat(name, team, cloud_id, (user, key), timeout, address),
    )
