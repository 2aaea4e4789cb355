"""Polls of what people did with an alert: acknowledged, closed or deleted it."""

from typing import Final

from breakerd.alerts.delivery.outcomes import OutcomeRecorder
from breakerd.alerts.delivery.retry import RetryState
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import (
    AlertState,
    DeliveryError,
    RateLimitedError,
    Receiver,
    UnavailableError,
)
from breakerd.alerts.storage.incident_log import IncidentLog

_RETRY_INTERVAL: Final = 5.0
"""Seconds before a poll without a response is repeated."""


class AcknowledgementPoller:
    """Polls the state of alerts, so that nobody is paged again for an alert in their hands.

    Args:
        receiver: the receiver to poll.
        incident_log: log of the incidents.
        retry: retry state of the receiver.
        outcomes: where the outcomes are recorded.
    """

    def __init__(
        self,
        receiver: Receiver,
        incident_log: IncidentLog,
        retry: RetryState,
        outcomes: OutcomeRecorder,
    ) -> None:
        self.polls = 0
        """Number of polls with a response."""
        self._receiver = receiver
        self._incident_log = incident_log
        self._retry = retry
        self._outcomes = outcomes

    def poll(self, now: float, incident: Incident, delivery: DeliveryState) -> bool:
        """Poll the state of an alert; return True if a step may follow at once.

        A receiver that cannot be asked, or a key without the permission, holds up no page.
        """
        try:
            state = self._receiver.alert_state(incident)
        except RateLimitedError as error:
            self._retry.pause(now, error)
            self._outcomes.count("paused")
            return False
        except UnavailableError as error:
            self._retry.mark_unreachable(error)
            delivery.poll_again_at = now + _RETRY_INTERVAL
            return False
        except DeliveryError:
            state = AlertState.UNKNOWN
        with self._incident_log.lock:
            delivery.polled_at, delivery.polled = now, True
            self.polls += 1
            self._apply_acknowledgement(now, incident, delivery, state)
        self._incident_log.save(incident)
        return True

    def _apply_acknowledgement(
        self, now: float, incident: Incident, delivery: DeliveryState, state: AlertState
    ) -> None:
        if state is AlertState.UNKNOWN:
            return
        if state is AlertState.MISSING:
            delivery.mark_missing()
            self._outcomes.missing(incident, Step(StepKind.PRIORITY))
            return
        acknowledged = state is AlertState.ACKNOWLEDGED
        if acknowledged != delivery.acknowledged:
            delivery.acknowledged = acknowledged
            delivery.acknowledgements.append((now, acknowledged))
            self._outcomes.acknowledged(incident, acknowledged=acknowledged)
        if state is AlertState.CLOSED:
            delivery.closed_manually_at = now
            self._outcomes.closed_manually(incident)
