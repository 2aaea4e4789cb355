"""Brings a receiver from what it has confirmed to what it should know, whatever fails on the way.

No thread and no clock of its own: `now` is passed in, in seconds since the epoch.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Final

from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.delivery_plan import is_behind, next_step
from breakerd.alerts.model.escalation import needs_ack_poll, needs_ack_poll_to_escalate
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import (
    AlertState,
    DeliveryError,
    InvalidRequestError,
    RateLimitedError,
    Receiver,
    RequestState,
    SupportsLookup,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.storage.incident_log import IncidentLog
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

    It holds the incident log's lock while it reads or changes an incident, and not while it waits
    for an answer.

    Args:
        sink: the receiver.
        incident_log: whose incidents are delivered.
        counts: where outcomes are counted, by (sink, outcome).
        may_send: whether this process still is the one that sends; asked before each request.
    """  # noqa: D415 - the first paragraph ends in a list

    def __init__(
        self,
        sink: Receiver,
        incident_log: IncidentLog,
        counts: Counter[tuple[str, str]],
        may_send: Callable[[], bool],
    ) -> None:
        self.receiver = sink
        self.policy = ReceiverPolicy(sink.name, attaches=sink.accepts_attachments)
        """Which incidents it is told."""
        self.retry_limit = 60.0
        """Longest pause between two attempts, in seconds."""
        self.paused_until = 0.0
        """Nothing is sent before."""
        self.auth_error = ""
        """Why the receiver refuses the key; empty if it does not."""
        self.reachable = True
        """Whether the last request had an answer."""
        self.last_success = 0.0
        """When a request was last carried out; 0 if none was."""
        self.round_succeeded_at = float("-inf")
        """When a round last ended with nothing that keeps alerts from leaving."""
        self._failures = 0
        """How often the receiver has failed in this round."""
        self.ack_polls = 0
        """How often people were asked after."""
        self._incident_log = incident_log
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
        waiting = [
            i for i in due if needs_ack_poll_to_escalate(i, now, i.delivery_to(self.receiver.name))
        ]
        for incident in waiting or due:
            while left and self._ready(now) and self._advance(now, incident):
                left -= 1
        if self._ready(now) and not self.auth_error and (self.reachable or not self.pending(now)):
            self.round_succeeded_at = now

    def pending(self, now: float) -> list[Incident]:
        """The incidents of which the receiver does not know all it should by now."""
        return [i for i in self._incident_log if is_behind(i, self.policy, now)]

    def clear_backoff(self) -> None:
        """What holds everything back may be over: somebody has acted."""
        self.paused_until, self.auth_error = 0.0, ""

    def _due(self, now: float) -> list[Incident]:
        with self._incident_log.lock:
            self._supersede()
            due = [i for i in self._incident_log if self._has_work(now, i)]
            return sorted(due, key=lambda i: (i.phase is Phase.CLOSED, i.priority, i.opened_at))

    def _has_work(self, now: float, incident: Incident) -> bool:
        delivery = incident.deliveries.get(self.receiver.name)
        if delivery is not None and now < delivery.retry_at:
            return False
        asks = delivery is not None and needs_ack_poll(incident, now, delivery)
        return asks or is_behind(incident, self.policy, now)

    def _supersede(self) -> None:
        """Of what it never heard of one breaker, only the last incident counts."""
        latest: dict[str, Incident] = {}
        for incident in self._incident_log:
            known = latest.get(incident.breaker)
            if known is None or known.opened_at < incident.opened_at:
                latest[incident.breaker] = incident
        for incident in self._incident_log:
            delivery = incident.deliveries.get(self.receiver.name)
            over = incident.phase is Phase.CLOSED and incident is not latest[incident.breaker]
            if over and delivery is not None and not (delivery.created or delivery.superseded):
                delivery.superseded = True
                self._incident_log.mark_changed(incident)

    def _ready(self, now: float) -> bool:
        few = self._failures < _FAILURES_A_ROUND
        return few and now >= self.paused_until and self._may_send()

    def _advance(self, now: float, incident: Incident) -> bool:
        """One step of one incident; True if another may follow at once."""
        with self._incident_log.lock:
            delivery = incident.delivery_to(self.receiver.name)
            if now < delivery.retry_at:
                return False
            pending = delivery.accepted_step
            step = None if pending else next_step(incident, now, delivery, self.policy)
            asks = pending is None and needs_ack_poll(incident, now, delivery)
        if asks:
            return self._ask_people(now, incident, delivery)
        if pending is not None:
            return self._attempt(now, incident, delivery, pending, self._look)
        return step is not None and self._attempt(now, incident, delivery, step, self._send)

    def _attempt(
        self,
        now: float,
        incident: Incident,
        delivery: DeliveryState,
        step: Step,
        action: Callable[[float, Incident, DeliveryState, Step], bool],
    ) -> bool:
        try:
            progress = action(now, incident, delivery, step)
        except DeliveryError as error:
            with self._incident_log.lock:
                self._failed(now, incident, delivery, step, error)
            progress = False
        else:
            self.auth_error, self.reachable, self.last_success = "", True, now
        self._incident_log.save(incident)
        return progress

    # --- what is asked

    def _send(self, now: float, incident: Incident, delivery: DeliveryState, step: Step) -> bool:
        if self._was_done(incident, delivery, step):
            request_id = ""
        else:
            request_id = self._ask_for(incident, delivery, step)
        with self._incident_log.lock:
            if request_id:
                delivery.request_id, delivery.accepted_step, delivery.accepted_at = (
                    request_id,
                    step,
                    now,
                )
                delivery.retry_at = now
            else:
                self._done(now, incident, delivery, step)
        return True

    def _was_done(self, incident: Incident, delivery: DeliveryState, step: Step) -> bool:
        """Whether an earlier attempt arrived, of which no answer came."""
        before = delivery.unconfirmed_step
        if before is None or (before.kind, before.number) != (step.kind, step.number):
            return False
        try:
            return isinstance(self.receiver, SupportsLookup) and self.receiver.has_applied(
                incident, step
            )
        except (UnauthorizedError, InvalidRequestError):
            # A key that may write, and not read.
            return False

    def _ask_for(self, incident: Incident, delivery: DeliveryState, step: Step) -> str:
        """Sends a step. That it may be out there is on the disk before it is."""
        before = delivery.unconfirmed_step, delivery.attempted_priority
        with self._incident_log.lock:
            delivery.unconfirmed_step = step
            if step.kind is StepKind.CREATE:
                delivery.attempted_priority = delivery.attempted_priority or step.priority
                delivery.fallback = self.policy.fallback_after is not None
            elif step.kind is StepKind.PRIORITY:
                delivery.escalations, delivery.escalated_to = step.number, step.priority
            self._incident_log.save(incident)
        try:
            return self.receiver.send(incident, step)
        except DeliveryError as error:
            if not error.maybe_applied:
                delivery.unconfirmed_step, delivery.attempted_priority = before
            raise

    def _look(self, now: float, incident: Incident, delivery: DeliveryState, step: Step) -> bool:
        """What became of a request that was accepted."""
        state = self.receiver.request_state(delivery.request_id)
        with self._incident_log.lock:
            return self._judge(now, incident, delivery, step, state)

    def _judge(
        self,
        now: float,
        incident: Incident,
        delivery: DeliveryState,
        step: Step,
        state: RequestState,
    ) -> bool:
        waited = now - delivery.accepted_at
        if state is RequestState.DONE:
            self._done(now, incident, delivery, step)
            return True
        if state is RequestState.GONE and step.kind is not StepKind.CREATE:
            self._gone(now, incident, delivery, step)
            return True
        if state is RequestState.PENDING and waited < _UNANSWERED:
            delivery.retry_at = now + min(_LOOK_LIMIT, max(_LOOK_EVERY, waited / 4))
            return False
        delivery.clear_pending()
        if state is RequestState.PENDING:
            raise _NotCarriedOutError(f"accepted, and nothing heard of it for {waited:.0f} s")
        raise _NotCarriedOutError("accepted, but not carried out")

    def _ask_people(self, now: float, incident: Incident, delivery: DeliveryState) -> bool:
        """What people have made of the alert: whoever has it in hand is not paged again.

        A receiver that does not tell, or whose key may not ask, stops no page.
        """
        try:
            state = self.receiver.alert_state(incident)
        except RateLimitedError as error:
            self.paused_until = now + error.seconds
            self._count("paused")
            return False
        except UnavailableError as error:
            self._note_failure(error)
            delivery.poll_again_at = now + _LOOK_AGAIN
            return False
        except DeliveryError:
            state = AlertState.UNKNOWN
        with self._incident_log.lock:
            delivery.polled_at, delivery.polled = now, True
            self.ack_polls += 1
            if state is AlertState.MISSING:
                self._gone(now, incident, delivery, Step(StepKind.PRIORITY))
            elif state is not AlertState.UNKNOWN:
                self._note_people(now, incident, delivery, state)
        self._incident_log.save(incident)
        return True

    def _note_people(
        self, now: float, incident: Incident, delivery: DeliveryState, state: AlertState
    ) -> None:
        acknowledged = state is AlertState.ACKNOWLEDGED
        if acknowledged != delivery.acknowledged:
            delivery.acknowledged = acknowledged
            words = "acknowledged" if acknowledged else "acknowledged no more"
            _log.info(f"alert {words}", alias=incident.alias, receiver=self.receiver.name)
        if state is AlertState.CLOSED:
            delivery.closed_manually_at = now
            self._count("on_manual_close")
            _log.info("alert closed by people", alias=incident.alias, receiver=self.receiver.name)

    # --- what comes of it

    def _done(self, now: float, incident: Incident, delivery: DeliveryState, step: Step) -> None:
        delivery.confirm(now, step)
        self._count("delivered")
        _log.info(
            "alert delivered",
            alias=incident.alias,
            step=step.kind.value,
            receiver=self.receiver.name,
        )

    def _gone(self, now: float, incident: Incident, delivery: DeliveryState, step: Step) -> None:
        """Trouble that goes on must reach somebody; notes and a closing are not missed."""
        if step.kind is StepKind.PRIORITY:
            delivery.mark_missing()
        else:
            delivery.confirm(now, step)
        self._count("gone")
        _log.warning("alert is gone", alias=incident.alias, step=step.kind.value)

    def _count(self, outcome: str) -> None:
        self._counts[self.receiver.name, outcome] += 1

    def _failed(
        self,
        now: float,
        incident: Incident,
        delivery: DeliveryState,
        step: Step,
        error: DeliveryError,
    ) -> None:
        if isinstance(error, RateLimitedError):
            self.paused_until = now + error.seconds
            outcome = "paused"
        elif isinstance(error, UnauthorizedError):
            self.paused_until, self.auth_error = now + _TRY_KEY_EVERY, str(error)
            outcome = "refused"
        elif isinstance(error, InvalidRequestError):
            outcome = self._rejected(now, incident, delivery, step, error)
        else:
            outcome = self._put_off(now, delivery, step, error)
        self._count(outcome)
        _log.warning(
            "alert not delivered",
            alias=incident.alias,
            receiver=self.receiver.name,
            outcome=outcome,
            problem=str(error),
        )

    def _put_off(
        self, now: float, delivery: DeliveryState, step: Step, error: DeliveryError
    ) -> str:
        """Tries again later, without end; but what is optional must not hold up the closing."""
        self._note_failure(error)
        most = _FAILURES if isinstance(error, _NotCarriedOutError) else _ATTEMPTS
        if step.kind in _OPTIONAL and delivery.attempts >= most:
            delivery.confirm(now, step)
            return "skipped"
        delivery.attempts += 1
        pause = min(self.retry_limit, _FIRST_RETRY * 2.0 ** min(delivery.attempts - 1, 30))
        delivery.retry_at = now + pause * self._jitter.uniform(0.5, 1.0)
        return "retried"

    def _note_failure(self, error: DeliveryError) -> None:
        slow = isinstance(error, UnavailableError) and error.slow
        self.reachable = False
        self._failures += _FAILURES_A_ROUND if slow else 1

    def _rejected(
        self,
        now: float,
        incident: Incident,
        delivery: DeliveryState,
        step: Step,
        error: DeliveryError,
    ) -> str:
        delivery.clear_pending()
        if step.kind in _OPTIONAL:
            delivery.confirm(now, step)
            return "skipped"
        if not delivery.created and not delivery.reduced:
            delivery.reduced = True
            return "reduced"
        delivery.dead_letter_reason, delivery.dead_letter_step = str(error), step.kind.value
        _log.error(
            "alert given up", alias=incident.alias, receiver=self.receiver.name, problem=str(error)
        )
        return "dead"


class _NotCarriedOutError(UnavailableError):
    """The receiver accepted a request, and then did not do what it asks for."""
