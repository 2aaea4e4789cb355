"""Who is told at present, what they are owed, and how telling them goes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from breakerd.alerts.delivery.dispatcher import Dispatcher
from breakerd.alerts.delivery.sender import SenderThread
from breakerd.alerts.model.delivery_plan import is_behind
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.receivers.factory import (
    ConfiguredReceiver,
    configured_receivers,
    incomplete_receivers,
)
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)


class DeliveryPipeline:
    """Delivers a incident_log's incidents to the receivers that the settings ask for.

    Each has a dispatcher, and once started a thread, of its own: one that is slow delays no other.
    Without any, that is the log: it pages nobody, and says so.

    Args:
        incident_log: whose incidents are delivered.
        settings: who is to be told.
        may_send: whether this process is the one that sends; asked before each request.
    """

    def __init__(
        self, incident_log: IncidentLog, settings: AlertingSettings, may_send: Callable[[], bool]
    ) -> None:
        self._incident_log = incident_log
        self._settings = settings
        self._may_send = may_send
        self._counts: Counter[tuple[str, str]] = Counter()
        self._senders: dict[str, SenderThread] = {}
        self._now: Callable[[], float] | None = None
        self._on_response: Callable[[], None] = _nothing
        self.reconfigure(settings)

    # --- delivering

    def start(self, now: Callable[[], float], heard: Callable[[], None]) -> None:
        """Delivers from now on, each receiver on a thread of its own.

        Args:
            now: seconds since the epoch.
            heard: called when a receiver has answered.
        """
        self._now, self._on_response = now, heard
        for sender in self._senders.values():
            sender.start(now, heard)

    def wake(self) -> None:
        """There may be something to deliver."""
        for sender in list(self._senders.values()):
            sender.wake()

    def run(self, now: float) -> None:
        """Delivers some of what is due, where no thread does.

        Raises:
            LeaseLostError: another process sends.
        """
        for sender in list(self._senders.values()):
            sender.dispatcher.run(now)

    def stop(self, deadline: float) -> None:
        """Ends the threads, after what is due was delivered, or at `deadline` (monotonic)."""
        for sender in self._senders.values():
            sender.stop(deadline)
        for sender in self._senders.values():
            sender.join(deadline)

    def close(self) -> None:
        """Lets go of connections."""
        for sender in self._senders.values():
            sender.dispatcher.receiver.close()

    # --- who is told

    def reconfigure(self, settings: AlertingSettings) -> None:
        """Changes the receivers to those that these settings ask for; the others go on."""
        wanted = {each.name: each for each in configured_receivers(settings)}
        self._settings = settings
        kept = {
            name: sender
            for name, sender in self._senders.items()
            if name in wanted and wanted[name].identity == sender.configured.identity
        }
        for name, sender in self._senders.items():
            if name not in kept:
                sender.retire()
        self._senders = {name: kept.get(name) or self._make(each) for name, each in wanted.items()}
        for name, sender in self._senders.items():
            sender.configured = wanted[name]
            sender.dispatcher.retry_limit = settings.alerts.retry_limit
        self.refresh_receivers()
        if self._now is not None:
            for sender in self._senders.values():
                sender.start(self._now, self._on_response)

    def refresh_receivers(self) -> None:
        """Works out who stands in for whom, and forgets what former receivers knew."""
        regular = [c.dispatcher for c in self._senders.values() if not c.configured.fallback]
        helpless = all(dispatcher.auth_error for dispatcher in regular)
        wait = 0.0 if helpless else self._settings.alerts.fallback_after
        for sender in self._senders.values():
            sender.dispatcher.policy = replace(
                sender.dispatcher.policy,
                min_priority=sender.configured.min_priority,
                fallback_after=wait if sender.configured.fallback else None,
            )
        known = {name for incident in self._incident_log for name in list(incident.deliveries)}
        self._incident_log.forget_receivers(known - self._senders.keys())

    def _make(self, configured: ConfiguredReceiver) -> SenderThread:
        dispatcher = Dispatcher(configured.make(), self._incident_log, self._counts, self._may_send)
        return SenderThread(configured, dispatcher)

    # --- what may be asked

    @property
    def policies(self) -> tuple[ReceiverPolicy, ...]:
        """Who is told."""
        return tuple(sender.dispatcher.policy for sender in self._senders.values())

    def pending(self, now: float) -> list[Incident]:
        """The incidents of which some receiver does not know all it should by now."""
        receivers = self.policies
        return [i for i in self._incident_log if any(is_behind(i, each, now) for each in receivers)]

    @property
    def first_receiver(self) -> str:
        """Who is told first of all, as in metrics."""
        return next(iter(self._senders))

    @property
    def paging(self) -> bool:
        """Whether a person hears of incidents."""
        return any(
            c.dispatcher.receiver.pages_humans and not c.dispatcher.auth_error
            for c in self._regular()
        )

    @property
    def successful(self) -> bool:
        """Whether no receiver refuses the key or leaves requests without an answer."""
        return all(c.dispatcher.reachable and not c.dispatcher.auth_error for c in self._regular())

    def round_succeeded_at(self, name: str) -> float:
        """When a round of that receiver last ended well; in the past, if it never did."""
        sender = self._senders.get(name)
        return sender.dispatcher.round_succeeded_at if sender else float("-inf")

    @property
    def last_success(self) -> dict[str, float]:
        """When each receiver last did as asked, in seconds since the epoch; 0 if never."""
        return {name: c.dispatcher.last_success for name, c in self._senders.items()}

    @property
    def ack_polls(self) -> int:
        """How often receivers were asked what people have made of an alert."""
        return sum(sender.dispatcher.ack_polls for sender in self._senders.values())

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Deliveries by (sink, outcome)."""
        return dict(self._counts)

    def problems(self) -> list[str]:
        """What keeps people from being paged, in sentences; nothing if all is well."""
        opsgenie = self._settings.opsgenie
        unusable = incomplete_receivers(self._settings).items()
        found = [f"[alerts.receivers.{name}] has no {missing}" for name, missing in unusable]
        found += [
            f"{name} refuses the key ({sender.dispatcher.auth_error})"
            for name, sender in self._senders.items()
            if sender.dispatcher.auth_error
        ]
        if opsgenie.active and opsgenie.api_key is None:
            found.insert(0, "OPSGENIE_API_KEY is not set")
        elif not found and not self.paging:
            found.append("[opsgenie] enabled is false")
        return found if self.paging else [f"nobody is being paged: {'; '.join(found)}"]

    def dead_letter_problems(self) -> list[str]:
        """The alerts that a receiver will never take, in sentences."""
        return [
            f"alert {incident.alias} was given up by {name}: {delivery.dead_letter_reason}"
            for incident in self._incident_log
            for name, delivery in incident.dead_letters.items()
        ]

    def states(self, now: float) -> list[dict[str, Any]]:
        """How it stands with each receiver, as JSON-able data."""
        dead = self.dead_letters()
        return [
            {
                "name": name,
                "min_priority": sender.configured.min_priority,
                "fallback": sender.configured.fallback,
                "refused": sender.dispatcher.auth_error or None,
                "reachable": sender.dispatcher.reachable,
                "pending": len(sender.dispatcher.pending(now)),
                "dead_letters": dead[name],
                "last_success": sender.dispatcher.last_success or None,
            }
            for name, sender in list(self._senders.items())
        ]

    def dead_letters(self) -> dict[str, int]:
        """How many alerts each receiver was not told, and will not be."""
        dead = Counter(name for incident in self._incident_log for name in incident.dead_letters)
        return {name: dead[name] for name in self._senders}

    def log_receivers(self) -> None:
        """Writes it into the log, loudly if it is nobody."""
        for problem in self.problems():
            _log.warning(problem)
        if self.paging:
            _log.info("alerts are sent", receivers=list(self._senders))

    def _regular(self) -> list[SenderThread]:
        return [c for c in list(self._senders.values()) if not c.configured.fallback]


def _nothing() -> None:
    """Ignore a response before the pipeline is started."""
