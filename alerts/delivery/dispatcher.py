"""Brings a receiver from what it has confirmed to what it should know, whatever fails on the way.

No thread and no clock of its own: `now` is passed in, in seconds since the epoch.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Final

from breakerd.alerts.model.delivery import Delivery, Receiver, Step, StepKind
from breakerd.alerts.model.delivery_plan import next_step, owes
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.receivers.base import (
    AlertState,
    DeliveryError,
    InvalidRequestError,
    RateLimitedError,
    RequestState,
    SupportsLookup,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.receivers.base import (
    Receiver as AlertReceiver,
)
from breakerd.alerts.storage.incident_log import Ledger
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_FIRST_RETRY: Final = 1.0
_LOOK_EVERY: Final = 0.2
_LOOK_LIMIT: Final = 5.0
_LOOK_AGAIN: Final = 5.0
"""Seconds until people are asked after once more, where the receiver did not answer."""
_UNANSWERED: Final = 60.0
"""A request whose status stays unknown for so long is sent again: the alias makes that harmless."""
_TRY_KEY_EVERY: Final = 60.0
_FAILURES: Final = 5
"""A note or picture that is not carried out so often is let be."""
_ATTEMPTS: Final = 20
"""The same where it is not even accepted, which may be an outage of the receiver."""
_STEPS_A_ROUND: Final = 20
"""Between rounds, the breakers are looked at."""
_FAILURES_A_ROUND: Final = 5
_OPTIONAL: Final = {StepKind.NOTE, StepKind.ATTACH}


class Dispatcher:
    """Delivers to one receiver. Each failure has its own answer:

    - no sensible answer: again, after a pause that doubles up to `retry_limit`, with jitter;
    - too many requests: nothing at all for as long as the receiver says;
    - key refused: said aloud, and tried once a minute until somebody acts;
    - request refused: once more in a form that only pages, then given up with its reason;
    - alert gone: made anew to escalate it, and else let be.

    It holds the ledger's lock while it reads or changes an incident, and not while it waits for an
    answer.

    Args:
        sink: the receiver.
        ledger: whose incidents are delivered.
        counts: where outcomes are counted, by (receiver, outcome).
        may_send: whether this process still is the one that sends; asked before each request.
    """  # noqa: D415 - the first paragraph ends in a list

    def __init__(
        self,
        sink: AlertReceiver,
        ledger: Ledger,
        counts: Counter[tuple[str, str]],
        may_send: Callable[[], bool],
    ) -> None:
        self.sink = sink
        self.receiver = Receiver(sink.name, attaches=sink.accepts_attachments)
        """Which incidents it is told."""
        self.retry_limit = 60.0
        """Longest pause between two attempts, in seconds."""
        self.quiet_until = 0.0
        """Nothing is sent before."""
        self.refused = ""
        """Why the receiver refuses the key; empty if it does not."""
        self.reachable = True
        """Whether the last request had an answer."""
        self.last_success = 0.0
        """When a request was last carried out; 0 if none was."""
        self.round_succeeded_at = float("-inf")
        """When a round last ended with nothing that keeps alerts from leaving."""
        self._failures = 0
        """How often the receiver has failed in this round."""
        self.looks = 0
        """How often people were asked after."""
        self._ledger = ledger
        self._counts = counts
        self._may_send = may_send
        self._jitter = random.Random()  # noqa: S311 - spreads attempts, guards nothing

    def run(self, now: float) -> None:
        """Does some of what is due, the most urgent first.

        It ends at the first time-out, so that a receiver that hangs costs one, and not one for each
        incident; and after a few failures of other kinds.

        Raises:
            LeaseLostError: another process sends.
        """
        self._failures = 0
        left = _STEPS_A_ROUND
        due = self._due(now)
        # What is to be escalated is the most urgent, and waits only for what people have done.
        waiting = [i for i in due if i.asks_to_escalate(now, i.delivery_to(self.sink.name))]
        for incident in waiting or due:
            while left and self._ready(now) and self._advance(now, incident):
                left -= 1
        if self._ready(now) and not self.refused and (self.reachable or not self.owing(now)):
            self.round_succeeded_at = now

    def owing(self, now: float) -> list[Incident]:
        """The incidents of which the receiver does not know all it should by now."""
        return [i for i in self._ledger if owes(i, self.receiver, now)]

    def retry(self) -> None:
        """What holds everything back may be over: somebody has acted."""
        self.quiet_until, self.refused = 0.0, ""

    def _due(self, now: float) -> list[Incident]:
        with self._ledger.lock:
            self._supersede()
            due = [i for i in self._ledger if self._has_work(now, i)]
            return sorted(due, key=lambda i: (i.phase is Phase.CLOSED, i.priority, i.opened_at))

    def _has_work(self, now: float, incident: Incident) -> bool:
        delivery = incident.deliveries.get(self.sink.name)
        if delivery is not None and now < delivery.not_before:
            return False
        asks = delivery is not None and incident.asks(now, delivery)
        return asks or owes(incident, self.receiver, now)

    def _supersede(self) -> None:
        """Of what it never heard of one breaker, only the last incident counts."""
        latest: dict[str, Incident] = {}
        for incident in self._ledger:
            known = latest.get(incident.breaker)
            if known is None or known.opened_at < incident.opened_at:
                latest[incident.breaker] = incident
        for incident in self._ledger:
            delivery = incident.deliveries.get(self.sink.name)
            over = incident.phase is Phase.CLOSED and incident is not latest[incident.breaker]
            if over and delivery is not None and not (delivery.created or delivery.superseded):
                delivery.superseded = True
                self._ledger.change(incident)

    def _ready(self, now: float) -> bool:
        few = self._failures < _FAILURES_A_ROUND
        return few and now >= self.quiet_until and self._may_send()

    def _advance(self, now: float, incident: Incident) -> bool:
        """One step of one incident; True if another may follow at once."""
        with self._ledger.lock:
            delivery = incident.delivery_to(self.sink.name)
            if now < delivery.not_before:
                return False
            pending = delivery.pending
            step = None if pending else next_step(incident, now, delivery, self.receiver)
            asks = pending is None and incident.asks(now, delivery)
        if asks:
            return self._ask_people(now, incident, delivery)
        if pending is not None:
            return self._attempt(now, incident, delivery, pending, self._look)
        return step is not None and self._attempt(now, incident, delivery, step, self._send)

    def _attempt(
        self,
        now: float,
        incident: Incident,
        delivery: Delivery,
        step: Step,
        action: Callable[[float, Incident, Delivery, Step], bool],
    ) -> bool:
        try:
            progress = action(now, incident, delivery, step)
        except DeliveryError as error:
            with self._ledger.lock:
                self._failed(now, incident, delivery, step, error)
            progress = False
        else:
            self.refused, self.reachable, self.last_success = "", True, now
        self._ledger.save(incident)
        return progress

    # --- what is asked

    def _send(self, now: float, incident: Incident, delivery: Delivery, step: Step) -> bool:
        if self._was_done(incident, delivery, step):
            request_id = ""
        else:
            request_id = self._ask_for(incident, delivery, step)
        with self._ledger.lock:
            if request_id:
                delivery.request_id, delivery.pending, delivery.asked_at = request_id, step, now
                delivery.not_before = now
            else:
                self._done(now, incident, delivery, step)
        return True

    def _was_done(self, incident: Incident, delivery: Delivery, step: Step) -> bool:
        """Whether an earlier attempt arrived, of which no answer came."""
        before = delivery.doubtful
        if before is None or (before.kind, before.number) != (step.kind, step.number):
            return False
        try:
            return isinstance(self.sink, SupportsLookup) and self.sink.has_applied(incident, step)
        except (UnauthorizedError, InvalidRequestError):
            # A key that may write, and not read.
            return False

    def _ask_for(self, incident: Incident, delivery: Delivery, step: Step) -> str:
        """Sends a step. That it may be out there is on the disk before it is."""
        before = delivery.doubtful, delivery.tried
        with self._ledger.lock:
            delivery.doubtful = step
            if step.kind is StepKind.CREATE:
                delivery.tried = delivery.tried or step.priority
                delivery.fallback = self.receiver.fallback_after is not None
            elif step.kind is StepKind.PRIORITY:
                delivery.raised, delivery.raised_to = step.number, step.priority
            self._ledger.save(incident)
        try:
            return self.sink.send(incident, step)
        except DeliveryError as error:
            if not error.maybe_applied:
                delivery.doubtful, delivery.tried = before
            raise

    def _look(self, now: float, incident: Incident, delivery: Delivery, step: Step) -> bool:
        """What became of a request that was accepted."""
        state = self.sink.request_state(delivery.request_id)
        with self._ledger.lock:
            return self._judge(now, incident, delivery, step, state)

    def _judge(
        self, now: float, incident: Incident, delivery: Delivery, step: Step, state: RequestState
    ) -> bool:
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
            raise _NotCarriedOutError(f"accepted, and nothing heard of it for {waited:.0f} s")
        raise _NotCarriedOutError("accepted, but not carried out")

    def _ask_people(self, now: float, incident: Incident, delivery: Delivery) -> bool:
        """What people have made of the alert: whoever has it in hand is not paged again.

        A receiver that does not tell, or whose key may not ask, stops no page.
        """
        try:
            state = self.sink.alert_state(incident)
        except RateLimitedError as error:
            self.quiet_until = now + error.seconds
            self._count("paused")
            return False
        except UnavailableError as error:
            self._note_failure(error)
            delivery.look_again_at = now + _LOOK_AGAIN
            return False
        except DeliveryError:
            state = AlertState.UNKNOWN
        with self._ledger.lock:
            delivery.looked_at, delivery.looked = now, True
            self.looks += 1
            if state is AlertState.MISSING:
                self._gone(now, incident, delivery, Step(StepKind.PRIORITY))
            elif state is not AlertState.UNKNOWN:
                self._note_people(now, incident, delivery, state)
        self._ledger.save(incident)
        return True

    def _note_people(
        self, now: float, incident: Incident, delivery: Delivery, state: AlertState
    ) -> None:
        acknowledged = state is AlertState.ACKNOWLEDGED
        if acknowledged != delivery.acknowledged:
            delivery.acknowledged = acknowledged
            words = "acknowledged" if acknowledged else "acknowledged no more"
            _log.info(f"alert {words}", alias=incident.alias, receiver=self.sink.name)
        if state is AlertState.CLOSED:
            delivery.on_manual_close_at = now
            self._count("on_manual_close")
            _log.info("alert closed by people", alias=incident.alias, receiver=self.sink.name)

    # --- what comes of it

    def _done(self, now: float, incident: Incident, delivery: Delivery, step: Step) -> None:
        delivery.confirm(now, step)
        self._count("delivered")
        _log.info(
            "alert delivered", alias=incident.alias, step=step.kind.value, receiver=self.sink.name
        )

    def _gone(self, now: float, incident: Incident, delivery: Delivery, step: Step) -> None:
        """Trouble that goes on must reach somebody; notes and a closing are not missed."""
        if step.kind is StepKind.PRIORITY:
            delivery.lose()
        else:
            delivery.confirm(now, step)
        self._count("gone")
        _log.warning("alert is gone", alias=incident.alias, step=step.kind.value)

    def _count(self, outcome: str) -> None:
        self._counts[self.sink.name, outcome] += 1

    def _failed(
        self,
        now: float,
        incident: Incident,
        delivery: Delivery,
        step: Step,
        error: DeliveryError,
    ) -> None:
        if isinstance(error, RateLimitedError):
            self.quiet_until = now + error.seconds
            outcome = "paused"
        elif isinstance(error, UnauthorizedError):
            self.quiet_until, self.refused = now + _TRY_KEY_EVERY, str(error)
            outcome = "refused"
        elif isinstance(error, InvalidRequestError):
            outcome = self._rejected(now, incident, delivery, step, error)
        else:
            outcome = self._put_off(now, delivery, step, error)
        self._count(outcome)
        _log.warning(
            "alert not delivered",
            alias=incident.alias,
            receiver=self.sink.name,
            outcome=outcome,
            problem=str(error),
        )

    def _put_off(self, now: float, delivery: Delivery, step: Step, error: DeliveryError) -> str:
        """Tries again later, without end; but what is optional must not hold up the closing."""
        self._note_failure(error)
        most = _FAILURES if isinstance(error, _NotCarriedOutError) else _ATTEMPTS
        if step.kind in _OPTIONAL and delivery.attempts >= most:
            delivery.confirm(now, step)
            return "skipped"
        delivery.attempts += 1
        pause = min(self.retry_limit, _FIRST_RETRY * 2.0 ** min(delivery.attempts - 1, 30))
        delivery.not_before = now + pause * self._jitter.uniform(0.5, 1.0)
        return "retried"

    def _note_failure(self, error: DeliveryError) -> None:
        slow = isinstance(error, UnavailableError) and error.slow
        self.reachable = False
        self._failures += _FAILURES_A_ROUND if slow else 1

    def _rejected(
        self,
        now: float,
        incident: Incident,
        delivery: Delivery,
        step: Step,
        error: DeliveryError,
    ) -> str:
        delivery.settle()
        if step.kind in _OPTIONAL:
            delivery.confirm(now, step)
            return "skipped"
        if not delivery.created and not delivery.minimal:
            delivery.minimal = True
            return "reduced"
        delivery.dead, delivery.dead_step = str(error), step.kind.value
        _log.error(
            "alert given up", alias=incident.alias, receiver=self.sink.name, problem=str(error)
        )
        return "dead"


class _NotCarriedOutError(UnavailableError):
    """The receiver accepted a request, and then did not do what it asks for."""
