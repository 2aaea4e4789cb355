"""Forwarding: commands about alerts that are given on one host, and executed by the sender."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from breakerd.alerts.fleet.clocks import shifted
from breakerd.alerts.fleet.link import HubView
from breakerd.alerts.fleet.soundness import UNREADABLE, check_incident
from breakerd.alerts.fleet.topic_reader import TopicReader
from breakerd.alerts.model.incident import Incident
from breakerd.breaker.fleet.hub.store import ALERT_COMMANDS, Entry
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_MAX_DONE: Final = 1_000
"""Maximum number of executed commands that are remembered, in case they are told again."""


class ForwardedCommand(NamedTuple):
    """Command of another host.

    Attributes:
        key: its name at the hub.
        incident_id: incident that it is about.
        data: what is to be done, as in the host's own queue.
        incident: incident to be taken over, in this host's time; None if it is about a known one.
    """

    key: str
    incident_id: str
    data: Mapping[str, str]
    incident: Incident | None


class CommandForwarding:
    """Forwards commands to the sender, and takes those of others as the sender. For one thread.

    Args:
        now: returns seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._reader = TopicReader(ALERT_COMMANDS)
        self._waiting: list[ForwardedCommand] = []
        self._done: dict[str, bool] = {}
        """Keys of executed commands -> whether they were removed from the hub."""

    # --- of those who do not send

    def forward(self, hub: HubView, commands: Iterable[ForwardedCommand]) -> None:
        """Leave commands to the sender.

        Raises:
            HubUnavailableError: the hub does not answer; some may have reached it.
        """
        for command in commands:
            data: dict[str, Any] = {
                "now": self._now(), "incident_id": command.incident_id, "data": dict(command.data),
            }  # fmt: skip
            if command.incident is not None:
                data["incident"] = command.incident.as_dict()
            try:
                hub.store.write(ALERT_COMMANDS, command.key, json.dumps(data))
            except ValueError as error:
                _log.warning("a command is too large for the hub", problem=str(error))

    # --- of the sender

    def read(self, hub: HubView) -> None:
        """Read what is new, and remove what is done.

        Raises:
            HubUnavailableError: the hub does not answer.
        """
        for key, removed in list(self._done.items()):
            if not removed:
                hub.store.write(ALERT_COMMANDS, key, "")
                self._done[key] = True
        news = self._reader.read(hub)
        for entry in news.entries if news is not None else ():
            if entry.value and entry.key in self._done:
                self._done[entry.key] = False  # told again: it is to be removed again
            elif entry.value and news is not None:
                self._waiting += _parsed(entry, self._now() - (news.now - entry.at))

    def take(self) -> list[ForwardedCommand]:
        """Return the commands to be executed now; they are removed with the next `read`."""
        taken, self._waiting = self._waiting, []
        self._done |= {each.key: False for each in taken}
        for key in list(self._done)[: max(0, len(self._done) - _MAX_DONE)]:
            del self._done[key]
        return taken


def _parsed(entry: Entry, written_at: float) -> list[ForwardedCommand]:
    """Return the command of an entry, or nothing if somebody else has written something else."""
    try:
        data = json.loads(entry.value)
        found = data.get("incident")
        moved = shifted(found, written_at - data["now"]) if found is not None else None
        incident = Incident.from_dict(moved) if moved is not None else None
        if incident is not None:
            check_incident(incident)
        texts = {str(name): str(value) for name, value in data["data"].items()}
        return [ForwardedCommand(entry.key, str(data["incident_id"]), texts, incident)]
    except UNREADABLE as error:
        _log.warning("a command at the hub is invalid", key=entry.key, problem=repr(error))
        return []
