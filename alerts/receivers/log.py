"""The sink that pages nobody: every step is a line in the log."""

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import AlertState, RequestState
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)


class LogSink:
    """Takes everything, at once."""

    name = "log"
    pages = False
    attaches = False

    def send(self, incident: Incident, step: Step) -> str:
        """Logs the step; opening and escalation as warnings."""
        loud = step.kind in {StepKind.CREATE, StepKind.PRIORITY}
        (_log.warning if loud else _log.info)(
            f"alert {step.kind.value}, nobody is paged",
            alias=incident.alias,
            priority=step.priority or incident.priority,
            text=step.note or incident.content.message,
        )
        return ""

    def state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - nobody answers a log
        """Unknown."""
        return AlertState.UNKNOWN

    def look(self, request_id: str) -> RequestState:  # noqa: ARG002 - there are no open requests
        """Done: nothing is ever under way."""
        return RequestState.DONE

    def close(self) -> None:
        """Nothing to let go."""
