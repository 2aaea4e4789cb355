"""Brings a receiver from what it has confirmed to what it should know, whatever fails on the way.

No thread and no clock of its own: `now` is passed in, in seconds since the epoch.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from alerts.incident import Delivery, Incident, Step, StepKind
from alerts.sinks.protocol import (
    DeliveryError,
    PausedError,
    RefusedError,
    RejectedError,
    RequestState,
    Sink,
    UnavailableError,
)
from breaker.log import get_logger

_log = get_logger("alerts.dispatcher")

_FIRST_RETRY: Final = 1.0
_LOOK_EVERY: Final = 0.2
_LOOK_LIMIT: Final = 5.0
_UNANSWERED: Final = 60.0
"""A request whose status stays unknown for so long is sent again: the alias makes that harmless."""
_TRY_KEY_EVERY: Final = 60.0
_NOTE_ATTEMPTS: Final = 5
"""A note that is not carried out must not hold up the closing for ever."""
_STEPS_A_ROUND: Final = 20
"""Between rounds, the breakers are looked at."""


class Dispatcher:
    """Delivers to one receiver. Each failure has its own answer:

    - no sensible answer: again, after a pause that doubles up to `retry_limit`, with jitter;
    - too many requests: nothing at all for as long as the receiver says;
    - key refused: said aloud, and tried once a minute until somebody acts;
    - request refused: once more in a form that only pages, then given up with its reason;
    - alert gone: made anew to escalate it, and else let be.

    Args:
        sink: the receiver.
        retry_limit: longest pause between two attempts, in seconds.
        save: called with each incident after its delivery changed.
        counts: where outcomes are counted, by (sink, outcome).
    """  # noqa: D415 - the first paragraph ends in a list

    def __init__(
        self,
        sink: Sink,
        retry_limit: float,
        save: Callable[[Incident], None],
        counts: Counter[tuple[str, str]],
    ) -> None:
        self.sink = sink
        self.quiet_until = 0.0
        """Nothing is sent before."""
        self.refused = ""
        """Why the receiver refuses the key; empty if it does not."""
        self._counts = counts
        self._reachable = True
        self._retry_limit = retry_limit
        self._save = save
        self._jitter = random.Random()  # noqa: S311 - spreads attempts, guards nothing

    def run(
        self, now: float, incidents: Iterable[Incident], held: Callable[[Incident], bool]
    ) -> None:
        """Does some of what is due, the most urgent first; `held` tells which not to open yet.

        It ends at the first request without an answer, so that a receiver that hangs costs one
        time-out, and not one for each incident.
        """
        self._reachable = True
        left = _STEPS_A_ROUND
        for incident in sorted(incidents, key=lambda i: (i.priority, i.opened_at)):
            while left and self._ready(now) and self._advance(now, incident, held):
                left -= 1

    def _ready(self, now: float) -> bool:
        return self._reachable and now >= self.quiet_until

    def _advance(self, now: float, incident: Incident, held: Callable[[Incident], bool]) -> bool:
        """One step of one incident; True if another may follow at once."""
        delivery = incident.delivery_to(self.sink.name)
        if now < delivery.not_before:
            return False
        if delivery.pending is not None:
            return self._attempt(now, incident, delivery, self._look)
        step = incident.next_step(now, delivery)
        if step is None or (step.kind is StepKind.CREATE and held(incident)):
            return False
        return self._attempt(now, incident, delivery, self._send)

    def _attempt(
        self,
        now: float,
        incident: Incident,
        delivery: Delivery,
        action: Callable[[float, Incident, Delivery], bool],
    ) -> bool:
        try:
            progress = action(now, incident, delivery)
        except DeliveryError as error:
            self._failed(now, incident, delivery, error)
            progress = False
        else:
            self.refused = ""
        self._save(incident)
        return progress

    def _send(self, now: float, incident: Incident, delivery: Delivery) -> bool:
        step = incident.next_step(now, delivery)
        assert step is not None  # noqa: S101 - its caller has looked
        if step.kind is StepKind.CREATE:
            request_id = self._create(incident, delivery, step)
        else:
            request_id = self.sink.send(incident, step)
        if not request_id:
            self._done(now, incident, delivery, step)
            return True
        delivery.request_id, delivery.pending, delivery.asked_at = request_id, step, now
        delivery.not_before = now
        return True

    def _create(self, incident: Incident, delivery: Delivery, step: Step) -> str:
        """Sends an opening. That it may be out there is on the disk before it is."""
        tried = delivery.tried
        if not tried:
            delivery.tried = step.priority
            self._save(incident)
        try:
            return self.sink.send(incident, step)
        except DeliveryError as error:
            if not error.maybe_taken:
                delivery.tried = tried
            raise

    def _look(self, now: float, incident: Incident, delivery: Delivery) -> bool:
        step = delivery.pending
        assert step is not None  # noqa: S101 - its caller has looked
        state = self.sink.look(delivery.request_id)
        waited = now - delivery.asked_at
        if state is RequestState.DONE:
            self._done(now, incident, delivery, step)
            return True
        if state is RequestState.GONE and step.kind is not StepKind.CREATE:
            self._gone(now, incident, delivery, step)
            return True
        if state is RequestState.PENDING and waited < _UNANSWERED:
            delivery.not_before = now + min(_LOOK_LIMIT, max(_LOOK_EVERY, waited / 4))
            return False
        delivery.settle()
        if state is RequestState.PENDING:
            raise UnavailableError(f"accepted, and nothing heard of it for {waited:.0f} s")
        if step.kind is StepKind.NOTE and delivery.attempts >= _NOTE_ATTEMPTS:
            self._skip(now, delivery, step)
            return True
        raise UnavailableError("accepted, but not carried out")

    def _done(self, now: float, incident: Incident, delivery: Delivery, step: Step) -> None:
        delivery.confirm(now, step)
        self._count("delivered")
        _log.info(
            "alert delivered", alias=incident.alias, step=step.kind.value, sink=self.sink.name
        )

    def _gone(self, now: float, incident: Incident, delivery: Delivery, step: Step) -> None:
        """Trouble that goes on must reach somebody; notes and a closing are not missed."""
        if step.kind is StepKind.PRIORITY:
            delivery.lose()
        else:
            delivery.confirm(now, step)
        self._count("gone")
        _log.warning("alert is gone", alias=incident.alias, step=step.kind.value)

    def _skip(self, now: float, delivery: Delivery, step: Step) -> None:
        """Leaves out a note: to close matters more."""
        delivery.confirm(now, step)
        self._count("skipped")

    def _count(self, outcome: str) -> None:
        self._counts[self.sink.name, outcome] += 1

    def _failed(
        self, now: float, incident: Incident, delivery: Delivery, error: DeliveryError
    ) -> None:
        if isinstance(error, PausedError):
            self.quiet_until = now + error.seconds
            outcome = "paused"
        elif isinstance(error, RefusedError):
            self.quiet_until, self.refused = now + _TRY_KEY_EVERY, str(error)
            outcome = "refused"
        elif isinstance(error, RejectedError):
            outcome = self._rejected(now, incident, delivery, error)
        else:
            self._reachable = False
            delivery.attempts += 1
            pause = min(self._retry_limit, _FIRST_RETRY * 2.0 ** min(delivery.attempts - 1, 30))
            delivery.not_before = now + pause * self._jitter.uniform(0.5, 1.0)
            outcome = "retried"
        self._count(outcome)
        _log.warning(
            "alert not delivered",
            alias=incident.alias,
            sink=self.sink.name,
            outcome=outcome,
            problem=str(error),
        )

    def _rejected(
        self, now: float, incident: Incident, delivery: Delivery, error: DeliveryError
    ) -> str:
        step = delivery.pending or incident.next_step(now, delivery)
        delivery.settle()
        if step is not None and step.kind is StepKind.NOTE:
            delivery.confirm(now, step)
            return "skipped"
        if not delivery.created and not delivery.minimal:
            delivery.minimal = True
            return "reduced"
        delivery.dead = str(error)
        delivery.closed = step is not None and step.kind is StepKind.CLOSE
        _log.error("alert given up", alias=incident.alias, sink=self.sink.name, problem=str(error))
        return "dead"
