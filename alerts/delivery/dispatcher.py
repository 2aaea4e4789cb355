"""Dispatcher: brings one receiver up to date, one request at a time.

No thread and no clock: `now` is passed in, in seconds since the epoch.
"""

from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Final

from breakerd.alerts.delivery.acknowledgement import AcknowledgementPoller
from breakerd.alerts.delivery.journal import JournalHook
from breakerd.alerts.delivery.outcomes import OutcomeRecorder
from breakerd.alerts.delivery.retry import NotAppliedError, RetryState
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.delivery_plan import is_behind, next_step
from breakerd.alerts.model.escalation import needs_ack_poll, needs_ack_poll_to_escalate
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import (
    DeliveryError,
    InvalidRequestError,
    Receiver,
    RequestState,
    SupportsLookup,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.storage.incident_log import IncidentLog

_POLL_INTERVAL: Final = 0.2
"""Minimum number of seconds between two polls of an accepted request."""
_MAX_POLL_INTERVAL: Final = 5.0
"""Maximum number of seconds between two polls of an accepted request."""
_REQUEST_TIMEOUT: Final = 60.0
"""Seconds after which a pending request is sent again. The alias makes that harmless."""
_UPDATE_PATIENCE: Final = 2.0
"""Seconds after which a pending update is given up if another step waits for it."""
_MAX_STEPS: Final = 20
"""Maximum number of steps in a round. The breakers are polled between rounds."""


class Dispatcher:
    """Delivers to one receiver. Each kind of failure is handled in its own way:

    - no usable response: retried after a pause that doubles up to `retry.limit`, with jitter;
    - too many requests: nothing is sent for as long as the receiver asks;
    - key rejected: reported as a problem, and tried once a minute;
    - request rejected: sent once more in a reduced form that only pages, then given up;
    - alert missing: created again to escalate it, otherwise ignored.

    It holds the incident log's lock while it reads or changes an incident, and not while it waits
    for a response.

    Args:
        receiver: the receiver.
        incident_log: log of the incidents to deliver.
        counts: counter of outcomes by (receiver, outcome).
        may_send: returns True while this process is the leader; called before each request.
        journal: told what became of each alert; None: nobody is.
    """  # noqa: D415 - the first paragraph ends in a list

    def __init__(
        self,
        receiver: Receiver,
        incident_log: IncidentLog,
        counts: Counter[tuple[str, str]],
        may_send: Callable[[], bool],
        journal: JournalHook | None = None,
    ) -> None:
        self.receiver = receiver
        self.policy = ReceiverPolicy(
            receiver.name,
            attaches=receiver.accepts_attachments,
            updates=receiver.accepts_updates,
            notes=receiver.accepts_notes,
            whole=receiver.sends_whole,
        )
        """Policy that selects the incidents to deliver."""
        self.round_succeeded_at = float("-inf")
        """Time of the last round that nothing kept from delivering."""
        self._incident_log = incident_log
        self._may_send = may_send
        self._outcomes = OutcomeRecorder(receiver.name, counts, journal)
        self.retry = RetryState(self._outcomes)
        """Availability of the receiver."""
        self._acknowledgements = AcknowledgementPoller(
            receiver, incident_log, self.retry, self._outcomes
        )

    @property
    def ack_polls(self) -> int:
        """Number of polls of what people did with an alert."""
        return self._acknowledgements.polls

    def run(self, now: float) -> None:
        """Execute some of the steps that are due, the most urgent first.

        The round ends at the first time-out, so a receiver that hangs costs one time-out and not
        one for each incident. It also ends after a few failures of other kinds.

        Raises:
            LeaseLostError: another process is the leader.
        """
        self.retry.begin_round()
        left = _MAX_STEPS
        due = self._due(now)
        # Escalations are the most urgent, and wait only for the poll of what people did.
        waiting = [
            i for i in due if needs_ack_poll_to_escalate(i, now, i.delivery_to(self.receiver.name))
        ]
        for incident in waiting or due:
            while left and self._ready(now) and self._advance(now, incident):
                left -= 1
        if self._ready(now) and self._is_usable(now):
            self.round_succeeded_at = now

    def pending(self, now: float) -> list[Incident]:
        """Return the incidents of which the receiver does not know all it should at `now`."""
        return [i for i in self._incident_log if is_behind(i, self.policy, now)]

    def _due(self, now: float) -> list[Incident]:
        with self._incident_log.lock:
            self._supersede()
            due = [i for i in self._incident_log if self._has_work(now, i)]
            return sorted(due, key=lambda i: (i.phase is Phase.CLOSED, i.priority, i.opened_at))

    def _has_work(self, now: float, incident: Incident) -> bool:
        delivery = incident.deliveries.get(self.receiver.name)
        if delivery is not None and now < delivery.retry_at:
            return False
        polls = delivery is not None and needs_ack_poll(incident, now, delivery)
        return polls or is_behind(incident, self.policy, now)

    def _supersede(self) -> None:
        """If the receiver missed several incidents of one breaker, deliver only the latest."""
        latest: dict[str, Incident] = {}
        every = [incident for incident in self._incident_log if not incident.drill_ends_at]
        for incident in every:
            known = latest.get(incident.breaker)
            if known is None or known.opened_at < incident.opened_at:
                latest[incident.breaker] = incident
        for incident in every:
            delivery = incident.deliveries.get(self.receiver.name)
            over = incident.phase is Phase.CLOSED and incident is not latest[incident.breaker]
            if over and delivery is not None and not (delivery.created or delivery.superseded):
                delivery.superseded = True
                self._incident_log.mark_changed(incident)

    def _ready(self, now: float) -> bool:
        return self.retry.may_send(now) and self._may_send()

    def _is_usable(self, now: float) -> bool:
        return not self.retry.auth_error and (self.retry.reachable or not self.pending(now))

    def _advance(self, now: float, incident: Incident) -> bool:
        """Execute one step of an incident; return True if another may follow at once."""
        with self._incident_log.lock:
            delivery = incident.delivery_to(self.receiver.name)
            if now < delivery.retry_at:
                return False
            pending = delivery.accepted_step
            step = None if pending else self._next_step(now, incident, delivery)
            polls = pending is None and needs_ack_poll(incident, now, delivery)
        if polls:
            return self._acknowledgements.poll(now, incident, delivery)
        if pending is not None:
            return self._execute(now, incident, delivery, pending, self._poll_request)
        return step is not None and self._execute(now, incident, delivery, step, self._send)

    def _next_step(self, now: float, incident: Incident, delivery: DeliveryState) -> Step | None:
        if now < self.retry.updates_paused_until:
            return _next_but_update(now, incident, delivery, self.policy)
        return next_step(incident, now, delivery, self.policy)

    def _execute(
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
                self.retry.fail(now, incident, delivery, step, error)
            progress = False
        else:
            self.retry.succeed(now)
        self._incident_log.save(incident)
        return progress

    # --- requests

    def _send(self, now: float, incident: Incident, delivery: DeliveryState, step: Step) -> bool:
        if self._already_applied(incident, delivery, step):
            request_id = ""
        else:
            request_id = self._send_recorded(incident, delivery, step)
        with self._incident_log.lock:
            if request_id:
                delivery.request_id, delivery.accepted_step = request_id, step
                delivery.accepted_at = delivery.retry_at = now
            else:
                self._confirm(now, incident, delivery, step)
        return True

    def _already_applied(self, incident: Incident, delivery: DeliveryState, step: Step) -> bool:
        """Return True if an earlier attempt was applied and its response lost."""
        before = delivery.unconfirmed_step
        if before is None or (before.kind, before.number) != (step.kind, step.number):
            return False
        try:
            return isinstance(self.receiver, SupportsLookup) and self.receiver.has_applied(
                incident, step
            )
        except (UnauthorizedError, InvalidRequestError):
            # The key may write and not read.
            return False

    def _send_recorded(self, incident: Incident, delivery: DeliveryState, step: Step) -> str:
        """Send a step; return the request's id. Saves first that the step may be applied."""
        before = delivery.unconfirmed_step, delivery.attempted_priority
        with self._incident_log.lock:
            # What is sent is what is recorded, whatever is composed meanwhile.
            as_recorded = copy(incident)
            delivery.begin(step, incident.content, len(incident.notes), whole=self.policy.whole)
            if step.kind is StepKind.CREATE:
                delivery.fallback = self.policy.fallback_after is not None
            self._incident_log.save(incident)
        try:
            return self.receiver.send(as_recorded, step)
        except DeliveryError as error:
            if not error.maybe_applied:
                delivery.unconfirmed_step, delivery.attempted_priority = before
            raise

    def _poll_request(
        self, now: float, incident: Incident, delivery: DeliveryState, step: Step
    ) -> bool:
        try:
            state = self.receiver.request_state(delivery.request_id)
        except UnavailableError:
            self._forget_unreadable(now, delivery, step)
            raise
        with self._incident_log.lock:
            return self._apply_request_state(now, incident, delivery, step, state)

    def _forget_unreadable(self, now: float, delivery: DeliveryState, step: Step) -> None:
        """Have a step sent again whose state cannot be read, unless people would read it twice."""
        waited = now - delivery.accepted_at
        if waited >= _REQUEST_TIMEOUT and step.kind not in {StepKind.NOTE, StepKind.ATTACH}:
            with self._incident_log.lock:
                delivery.clear_pending()

    def _apply_request_state(
        self,
        now: float,
        incident: Incident,
        delivery: DeliveryState,
        step: Step,
        state: RequestState,
    ) -> bool:
        waited = now - delivery.accepted_at
        if state is RequestState.DONE:
            self._confirm(now, incident, delivery, step)
            return True
        if state is RequestState.GONE and step.kind is not StepKind.CREATE:
            self._on_missing(now, incident, delivery, step)
            return True
        if state is RequestState.PENDING and waited < self._patience(now, incident, delivery, step):
            longest = _UPDATE_PATIENCE if step.kind is StepKind.UPDATE else _MAX_POLL_INTERVAL
            delivery.retry_at = now + min(longest, max(_POLL_INTERVAL, waited / 4))
            return False
        delivery.clear_pending()
        if state is RequestState.PENDING:
            raise NotAppliedError(f"accepted, and still pending after {waited:.0f} s")
        raise NotAppliedError("accepted, and not applied")

    def _patience(
        self, now: float, incident: Incident, delivery: DeliveryState, step: Step
    ) -> float:
        """Return for how many seconds a step may be pending."""
        if step.kind is not StepKind.UPDATE:
            return _REQUEST_TIMEOUT
        waiting = _next_but_update(now, incident, delivery, self.policy)
        return _REQUEST_TIMEOUT if waiting is None else _UPDATE_PATIENCE

    def _confirm(self, now: float, incident: Incident, delivery: DeliveryState, step: Step) -> None:
        delivery.confirm(now, step)
        self._outcomes.delivered(incident, step)

    def _on_missing(
        self, now: float, incident: Incident, delivery: DeliveryState, step: Step
    ) -> None:
        """Create the alert again to escalate it; it needs no notes and no closing."""
        if step.kind is StepKind.PRIORITY:
            delivery.mark_missing()
        else:
            delivery.confirm(now, step)
        self._outcomes.missing(incident, step)


def _next_but_update(
    now: float, incident: Incident, delivery: DeliveryState, policy: ReceiverPolicy
) -> Step | None:
    """Return the next step that is no update."""
    return next_step(incident, now, replace(delivery, update_retry_at=float("inf")), policy)
