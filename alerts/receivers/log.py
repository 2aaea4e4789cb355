"""Receiver that pages nobody and logs every step."""

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import AlertState, RequestState
from breakerd.alerts.receivers.rendering import message, priority
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)


class LogReceiver:
    """Accepts every step at once."""

    name = "log"
    pages_humans = False
    accepts_attachments = False
    accepts_updates = False
    accepts_notes = False
    sends_whole = True

    def send(self, incident: Incident, step: Step) -> str:
        """Log the step: openings and escalations as warnings, the end as information."""
        loud = step.kind in {StepKind.CREATE, StepKind.PRIORITY}
        (_log.warning if loud else _log.info)(
            f"alert {step.kind.value}, nobody is paged",
            alias=incident.alias,
            priority=priority(incident, step),
            breakers=list(incident.members),
            text=self.preview(incident, step),
        )
        return ""

    def preview(self, incident: Incident, step: Step) -> str:
        """Return the text of the log line."""
        return step.note or message(incident, incident.content)

    def alert_state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - a log has no answers
        """Return `UNKNOWN`."""
        return AlertState.UNKNOWN

    def request_state(self, request_id: str) -> RequestState:  # noqa: ARG002 - no open requests
        """Return `DONE`: requests are never pending."""
        return RequestState.DONE

    def close(self) -> None:
        """Do nothing: there are no connections."""
