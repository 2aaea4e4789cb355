"""Who is told at present, what they are owed, and how telling them goes."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from breakerd.alerts.delivery.dispatcher import Dispatcher
from breakerd.alerts.model.delivery import Receiver
from breakerd.alerts.model.delivery_plan import owes
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.receivers.factory import (
    ConfiguredReceiver,
    configured_receivers,
    incomplete_receivers,
)
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.storage.incident_log import LeaseLostError, Ledger
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_IDLE = 1.0
"""Seconds between two rounds of a dispatcher in which nothing is expected."""
_BUSY = 0.1
"""The same while something is to be delivered."""


class Outbox:
    """Delivers a ledger's incidents to the receivers that the settings ask for.

    Each has a dispatcher, and once started a thread, of its own: one that is slow delays no other.
    Without any, that is the log: it pages nobody, and says so.

    Args:
        ledger: whose incidents are delivered.
        settings: who is to be told.
        may_send: whether this process is the one that sends; asked before each request.
    """

    def __init__(
        self, ledger: Ledger, settings: AlertingSettings, may_send: Callable[[], bool]
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._may_send = may_send
        self._counts: Counter[tuple[str, str]] = Counter()
        self._couriers: dict[str, _Courier] = {}
        self._now: Callable[[], float] | None = None
        self._heard: Callable[[], None] = _nothing
        self.switch(settings)

    # --- delivering

    def start(self, now: Callable[[], float], heard: Callable[[], None]) -> None:
        """Delivers from now on, each receiver on a thread of its own.

        Args:
            now: seconds since the epoch.
            heard: called when a receiver has answered.
        """
        self._now, self._heard = now, heard
        for courier in self._couriers.values():
            courier.start(now, heard)

    def wake(self) -> None:
        """There may be something to deliver."""
        for courier in list(self._couriers.values()):
            courier.wake()

    def run(self, now: float) -> None:
        """Delivers some of what is due, where no thread does.

        Raises:
            LeaseLostError: another process sends.
        """
        for courier in list(self._couriers.values()):
            courier.dispatcher.run(now)

    def stop(self, deadline: float) -> None:
        """Ends the threads, after what is due was delivered, or at `deadline` (monotonic)."""
        for courier in self._couriers.values():
            courier.stop(deadline)
        for courier in self._couriers.values():
            courier.join(deadline)

    def close(self) -> None:
        """Lets go of connections."""
        for courier in self._couriers.values():
            courier.dispatcher.sink.close()

    # --- who is told

    def switch(self, settings: AlertingSettings) -> None:
        """Changes the receivers to those that these settings ask for; the others go on."""
        wanted = {each.name: each for each in configured_receivers(settings)}
        self._settings = settings
        kept = {
            name: courier
            for name, courier in self._couriers.items()
            if name in wanted and wanted[name].identity == courier.configured.identity
        }
        for name, courier in self._couriers.items():
            if name not in kept:
                courier.retire()
        self._couriers = {name: kept.get(name) or self._make(each) for name, each in wanted.items()}
        for name, courier in self._couriers.items():
            courier.configured = wanted[name]
            courier.dispatcher.retry_limit = settings.alerts.retry_limit
        self.mind_receivers()
        if self._now is not None:
            for courier in self._couriers.values():
                courier.start(self._now, self._heard)

    def mind_receivers(self) -> None:
        """Works out who stands in for whom, and forgets what former receivers knew."""
        regular = [c.dispatcher for c in self._couriers.values() if not c.configured.fallback]
        helpless = all(dispatcher.refused for dispatcher in regular)
        wait = 0.0 if helpless else self._settings.alerts.fallback_after
        for courier in self._couriers.values():
            courier.dispatcher.receiver = replace(
                courier.dispatcher.receiver,
                min_priority=courier.configured.min_priority,
                fallback_after=wait if courier.configured.fallback else None,
            )
        known = {name for incident in self._ledger for name in list(incident.deliveries)}
        self._ledger.forget(known - self._couriers.keys())

    def _make(self, configured: ConfiguredReceiver) -> "_Courier":
        dispatcher = Dispatcher(configured.make(), self._ledger, self._counts, self._may_send)
        return _Courier(configured, dispatcher)

    # --- what may be asked

    @property
    def receivers(self) -> tuple[Receiver, ...]:
        """Who is told."""
        return tuple(courier.dispatcher.receiver for courier in self._couriers.values())

    def owing(self, now: float) -> list[Incident]:
        """The incidents of which some receiver does not know all it should by now."""
        receivers = self.receivers
        return [i for i in self._ledger if any(owes(i, each, now) for each in receivers)]

    @property
    def receiver(self) -> str:
        """Who is told first of all, as in metrics."""
        return next(iter(self._couriers))

    @property
    def paging(self) -> bool:
        """Whether a person hears of incidents."""
        return any(
            c.dispatcher.sink.pages_humans and not c.dispatcher.refused for c in self._regular()
        )

    @property
    def successful(self) -> bool:
        """Whether no receiver refuses the key or leaves requests without an answer."""
        return all(c.dispatcher.reachable and not c.dispatcher.refused for c in self._regular())

    def round_succeeded_at(self, name: str) -> float:
        """When a round of that receiver last ended well; in the past, if it never did."""
        courier = self._couriers.get(name)
        return courier.dispatcher.round_succeeded_at if courier else float("-inf")

    @property
    def last_success(self) -> dict[str, float]:
        """When each receiver last did as asked, in seconds since the epoch; 0 if never."""
        return {name: c.dispatcher.last_success for name, c in self._couriers.items()}

    @property
    def looks(self) -> int:
        """How often receivers were asked what people have made of an alert."""
        return sum(courier.dispatcher.looks for courier in self._couriers.values())

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Deliveries by (receiver, outcome)."""
        return dict(self._counts)

    def problems(self) -> list[str]:
        """What keeps people from being paged, in sentences; nothing if all is well."""
        opsgenie = self._settings.opsgenie
        unusable = incomplete_receivers(self._settings).items()
        found = [f"[alerts.receivers.{name}] has no {missing}" for name, missing in unusable]
        found += [
            f"{name} refuses the key ({courier.dispatcher.refused})"
            for name, courier in self._couriers.items()
            if courier.dispatcher.refused
        ]
        if opsgenie.active and opsgenie.api_key is None:
            found.insert(0, "OPSGENIE_API_KEY is not set")
        elif not found and not self.paging:
            found.append("[opsgenie] enabled is false")
        return found if self.paging else [f"nobody is being paged: {'; '.join(found)}"]

    def given_up(self) -> list[str]:
        """The alerts that a receiver will never take, in sentences."""
        return [
            f"alert {incident.alias} was given up by {name}: {delivery.dead}"
            for incident in self._ledger
            for name, delivery in incident.dead_letters.items()
        ]

    def states(self, now: float) -> list[dict[str, Any]]:
        """How it stands with each receiver, as JSON-able data."""
        dead = self.dead_letters()
        return [
            {
                "name": name,
                "min_priority": courier.configured.min_priority,
                "fallback": courier.configured.fallback,
                "refused": courier.dispatcher.refused or None,
                "reachable": courier.dispatcher.reachable,
                "pending": len(courier.dispatcher.owing(now)),
                "dead_letters": dead[name],
                "last_success": courier.dispatcher.last_success or None,
            }
            for name, courier in list(self._couriers.items())
        ]

    def dead_letters(self) -> dict[str, int]:
        """How many alerts each receiver was not told, and will not be."""
        dead = Counter(name for incident in self._ledger for name in incident.dead_letters)
        return {name: dead[name] for name in self._couriers}

    def say_who_is_told(self) -> None:
        """Writes it into the log, loudly if it is nobody."""
        for problem in self.problems():
            _log.warning(problem)
        if self.paging:
            _log.info("alerts are sent", receivers=list(self._couriers))

    def _regular(self) -> "list[_Courier]":
        return [c for c in list(self._couriers.values()) if not c.configured.fallback]


class _Courier:
    """A dispatcher, and the thread it works on once it was started."""

    def __init__(self, configured: ConfiguredReceiver, dispatcher: Dispatcher) -> None:
        self.configured = configured
        self.dispatcher = dispatcher
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._retired = False
        self._deadline: float | None = None
        self._now: Callable[[], float] = _never
        self._heard: Callable[[], None] = _nothing

    def start(self, now: Callable[[], float], heard: Callable[[], None]) -> None:
        """Works on a thread of its own from now on."""
        if self._thread is None:
            self._now, self._heard = now, heard
            name = f"breakerd-alerts-{self.configured.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def retire(self) -> None:
        """Ends at the next opportunity, and lets go of the connections."""
        self._retired = True
        if self._thread is None:
            self.dispatcher.sink.close()
        self.wake()

    def stop(self, deadline: float) -> None:
        """Ends when nothing is owed any more, or at `deadline`, in seconds as `time.monotonic`."""
        self._deadline = deadline
        self.wake()

    def join(self, deadline: float) -> None:
        """Waits for the end."""
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while self._goes_on():
            owing = self._try_round()
            self._wake.wait(_BUSY if owing else _IDLE)
            self._wake.clear()
        if self._retired:
            self.dispatcher.sink.close()

    def _goes_on(self) -> bool:
        if self._retired or self._deadline is None:
            return not self._retired
        return time.monotonic() < self._deadline and bool(self.dispatcher.owing(self._now()))

    def _try_round(self) -> bool:
        """One round; says whether something is still owed."""
        before = self.dispatcher.last_success
        try:
            self.dispatcher.run(self._now())
        except LeaseLostError:
            _log.info("another process sends alerts", receiver=self.configured.name)
        except Exception:  # noqa: BLE001 - the next round may do better, and somebody must page
            _log.exception("a round of delivering failed", receiver=self.configured.name)
        if self.dispatcher.last_success != before:
            self._heard()
        return bool(self.dispatcher.owing(self._now()))


def _nothing() -> None:
    """Nobody wants to hear of it."""


def _never() -> float:
    return 0.0
