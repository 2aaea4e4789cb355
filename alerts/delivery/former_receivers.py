"""Receivers that are no longer configured, and have alerts that are still to be closed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from breakerd.alerts.delivery.dispatcher_thread import DispatcherThread
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.receivers.factory import ConfiguredReceiver
from breakerd.alerts.storage.incident_log import IncidentLog

_MAX_ATTEMPTS: Final = 20
"""Maximum number of attempts in a row to close an alert."""


class FormerReceivers:
    """Keeps a receiver that was removed from the settings until its alerts are closed.

    It gets nothing else, and not after a restart: its key is no longer known then. One that rejects
    its key, or does not respond for long, is given up.

    Args:
        incident_log: log of the incidents.
    """

    def __init__(self, incident_log: IncidentLog) -> None:
        self._incident_log = incident_log
        self._threads: dict[str, DispatcherThread] = {}

    def __iter__(self) -> Iterator[DispatcherThread]:
        return iter(list(self._threads.values()))

    @property
    def names(self) -> set[str]:
        """Names of the receivers."""
        return set(self._threads)

    @property
    def policies(self) -> tuple[ReceiverPolicy, ...]:
        """Policies of the receivers."""
        return tuple(sender.dispatcher.policy for sender in self)

    def add(self, name: str, sender: DispatcherThread) -> None:
        """Keep a receiver for the closings it owes; end it if it owes none."""
        if not (sender.dispatcher.receiver.pages_humans and self._owes(name)):
            sender.retire()
            return
        dispatcher = sender.dispatcher
        dispatcher.policy = replace(dispatcher.policy, closes_only=True)
        self._threads[name] = sender
        self._incident_log.leave_receivers({name})

    def take_back(self, configured: ConfiguredReceiver) -> DispatcherThread | None:
        """Return the receiver that is configured again; end one that has changed meanwhile."""
        sender = self._threads.pop(configured.name, None)
        if sender is None:
            return None
        if sender.configured.identity != configured.identity:
            sender.retire()
            return None
        dispatcher = sender.dispatcher
        dispatcher.policy = replace(dispatcher.policy, closes_only=False)
        return sender

    def end_settled(self) -> None:
        """End the receivers that owe nothing more, or cannot be reached."""
        for name, sender in list(self._threads.items()):
            if not self._owes(name) or self._is_lost(name, sender):
                sender.retire()
                del self._threads[name]

    def _owes(self, name: str) -> bool:
        states = (incident.deliveries.get(name) for incident in self._incident_log)
        return any(state is not None and state.maybe_open for state in states)

    def _is_lost(self, name: str, sender: DispatcherThread) -> bool:
        if sender.dispatcher.retry.auth_error:
            return True
        states = (incident.deliveries.get(name) for incident in self._incident_log)
        return any(state is not None and state.attempts >= _MAX_ATTEMPTS for state in states)
