"""Delivery pipeline: the present receivers, each with a dispatcher and a thread."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from breakerd.alerts.delivery.dispatcher import Dispatcher
from breakerd.alerts.delivery.dispatcher_thread import DispatcherThread, SignOfLife
from breakerd.alerts.delivery.former_receivers import FormerReceivers
from breakerd.alerts.delivery.journal import JournalHook
from breakerd.alerts.model.delivery_plan import is_behind
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.receivers.factory import (
    ConfiguredReceiver,
    configured_receivers,
    setup_problems,
)
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)


class DeliveryPipeline:
    """Delivers the incidents of a log to the configured receivers.

    Each receiver has its own dispatcher and, once started, its own thread: a slow one delays no
    other. Without receivers, incidents go to the log, which pages nobody and states so.

    Args:
        incident_log: log of the incidents to deliver.
        settings: settings that name the receivers.
        may_send: returns True while this process is the leader; called before each request.
        journal: told what became of each alert; None: nobody is.
    """

    def __init__(
        self,
        incident_log: IncidentLog,
        settings: AlertingSettings,
        may_send: Callable[[], bool],
        journal: JournalHook | None = None,
    ) -> None:
        self._journal = journal
        self._incident_log = incident_log
        self._settings = settings
        self._may_send = may_send
        self._counts: Counter[tuple[str, str]] = Counter()
        self._threads: dict[str, DispatcherThread] = {}
        self._former = FormerReceivers(incident_log)
        self._now: Callable[[], float] | None = None
        self._on_response: Callable[[], None] = _nothing
        self.reconfigure(settings)

    # --- delivery

    def start(self, now: Callable[[], float], on_response: Callable[[], None]) -> None:
        """Start delivering, with one thread for each receiver.

        Args:
            now: returns seconds since the epoch.
            on_response: called when a receiver has applied a request.
        """
        self._now, self._on_response = now, on_response
        for sender in self._threads.values():
            sender.start(now, on_response)

    def wake(self) -> None:
        """Start the next round of each receiver at once. Thread-safe."""
        for sender in self._senders():
            sender.wake()

    def run(self, now: float) -> None:
        """Execute some of the steps that are due, where no thread does.

        Raises:
            LeaseLostError: another process is the leader.
        """
        for sender in self._senders():
            sender.dispatcher.run(now)

    def stop(self, deadline: float) -> None:
        """Deliver what is due, until `deadline` in monotonic seconds, and end the threads."""
        for sender in self._senders():
            sender.stop(deadline)
        for sender in self._senders():
            sender.join(deadline)

    def close(self) -> None:
        """Close the connections of all receivers."""
        for sender in self._senders():
            sender.dispatcher.receiver.close()

    # --- receivers

    def reconfigure(self, settings: AlertingSettings) -> None:
        """Replace the receivers whose settings have changed; keep the others running.

        A receiver that is gone still closes its alerts when their incidents end.
        """
        wanted = {each.name: each for each in configured_receivers(settings)}
        self._settings = settings
        kept = {
            name: sender
            for name, sender in self._threads.items()
            if name in wanted and wanted[name].identity == sender.configured.identity
        }
        for name, sender in self._threads.items():
            if name in wanted and name not in kept:
                sender.retire()
            elif name not in wanted:
                self._former.add(name, sender)
        self._threads = {
            name: kept.get(name) or self._former.take_back(each) or self._make(each)
            for name, each in wanted.items()
        }
        for name, sender in self._threads.items():
            sender.configured = wanted[name]
            sender.dispatcher.retry.limit = settings.alerts.retry_limit
        self.refresh_receivers()
        if self._now is not None:
            for sender in self._threads.values():
                sender.start(self._now, self._on_response)

    def refresh_receivers(self) -> None:
        """Update the policies of fallback receivers, and forget former receivers."""
        regular = [
            sender.dispatcher for sender in self._threads.values() if not sender.configured.fallback
        ]
        all_unauthorized = all(dispatcher.retry.auth_error for dispatcher in regular)
        wait = 0.0 if all_unauthorized else self._settings.alerts.fallback_after
        for sender in self._threads.values():
            sender.dispatcher.policy = replace(
                sender.dispatcher.policy,
                min_priority=sender.configured.min_priority,
                fallback_after=wait if sender.configured.fallback else None,
            )
        known = {name for incident in self._incident_log for name in list(incident.deliveries)}
        self._former.end_settled()
        self._incident_log.forget_receivers(known - self._threads.keys() - self._former.names)

    def _make(self, configured: ConfiguredReceiver) -> DispatcherThread:
        may_send = SignOfLife(self._may_send)
        dispatcher = Dispatcher(
            configured.make(), self._incident_log, self._counts, may_send, self._journal
        )
        return DispatcherThread(configured, dispatcher, may_send)

    # --- state

    @property
    def policies(self) -> tuple[ReceiverPolicy, ...]:
        """Policies of the present receivers, and of former ones that have alerts to close."""
        present = (sender.dispatcher.policy for sender in self._threads.values())
        return (*present, *self._former.policies)

    def pending(self, now: float) -> list[Incident]:
        """Return the incidents of which some receiver does not know all it should at `now`."""
        receivers = self.policies
        return [i for i in self._incident_log if any(is_behind(i, each, now) for each in receivers)]

    @property
    def first_receiver(self) -> str:
        """Name of the first receiver, as in metrics."""
        return next(iter(self._threads))

    @property
    def paging(self) -> bool:
        """True if a person is notified of incidents."""
        return any(
            sender.dispatcher.receiver.pages_humans and not sender.dispatcher.retry.auth_error
            for sender in self._regular()
        )

    def accepts(self, priority: str) -> bool:
        """Return True if a regular receiver that pages people takes alerts of this priority."""
        return any(
            sender.dispatcher.receiver.pages_humans and priority <= sender.configured.min_priority
            for sender in self._regular()
        )

    @property
    def successful(self) -> bool:
        """True if every regular receiver accepts its key and responds."""
        return all(
            sender.dispatcher.retry.reachable and not sender.dispatcher.retry.auth_error
            for sender in self._regular()
        )

    def round_succeeded_at(self, name: str) -> float:
        """Return the time of the receiver's last successful round; `-inf` if there was none."""
        sender = self._threads.get(name)
        return sender.dispatcher.round_succeeded_at if sender else float("-inf")

    @property
    def last_success(self) -> dict[str, float]:
        """Time of the last success by receiver, in seconds since the epoch; 0 if never."""
        return {
            name: sender.dispatcher.retry.last_success for name, sender in self._threads.items()
        }

    @property
    def ack_polls(self) -> int:
        """Number of polls of what people did with an alert."""
        return sum(sender.dispatcher.ack_polls for sender in self._threads.values())

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Number of deliveries by (receiver, outcome)."""
        return dict(self._counts)

    def problems(self) -> list[str]:
        """Return the problems that keep people from being paged, as sentences."""
        found = setup_problems(self._settings) + [
            f"{name} refuses the key ({sender.dispatcher.retry.auth_error})"
            for name, sender in self._threads.items()
            if sender.dispatcher.retry.auth_error
        ]
        if not found and not self.paging:
            found.append("[opsgenie] enabled is false")
        return found if self.paging else [f"nobody is being paged: {'; '.join(found)}"]

    def stalls(self) -> list[str]:
        """Return the receivers whose threads are stuck, as sentences."""
        longest = self._settings.alerts.request_timeout
        return [
            f"delivery to {name} has stopped: no sign of it for {stuck:.0f} s; restart the process"
            for name, sender in list(self._threads.items())
            if (stuck := sender.stuck_seconds(longest))
        ]

    def dead_letter_problems(self) -> list[str]:
        """Return the alerts that a receiver will not accept, as sentences."""
        return [
            f"alert {incident.alias} was given up by {name}: {delivery.dead_letter_reason}"
            for incident in self._incident_log
            for name, delivery in incident.dead_letters.items()
        ]

    def states(self, now: float) -> list[dict[str, Any]]:
        """Return the state of each receiver as JSON-able data."""
        dead = self.dead_letters()
        return [
            {
                "name": name,
                "min_priority": sender.configured.min_priority,
                "fallback": sender.configured.fallback,
                "refused": sender.dispatcher.retry.auth_error or None,
                "reachable": sender.dispatcher.retry.reachable,
                "pending": len(sender.dispatcher.pending(now)),
                "dead_letters": dead[name],
                "last_success": sender.dispatcher.retry.last_success or None,
            }
            for name, sender in list(self._threads.items())
        ]

    def dead_letters(self) -> dict[str, int]:
        """Return the number of dead letters by receiver."""
        dead = Counter(name for incident in self._incident_log for name in incident.dead_letters)
        return {name: dead[name] for name in self._threads}

    def log_receivers(self) -> None:
        """Log the receivers; log each problem as a warning."""
        for problem in self.problems():
            _log.warning(problem)
        if self.paging:
            _log.info("alerts are sent", receivers=list(self._threads))

    def _senders(self) -> list[DispatcherThread]:
        return [*self._threads.values(), *self._former]

    def _regular(self) -> list[DispatcherThread]:
        return [sender for sender in list(self._threads.values()) if not sender.configured.fallback]


def _nothing() -> None:
    """Ignore a response before the pipeline is started."""
