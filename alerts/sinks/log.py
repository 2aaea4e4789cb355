"""The sink that pages nobody: every step is a line in the log."""

from alerts.delivery import Step, StepKind
from alerts.incident import Incident
from alerts.sinks.protocol import AlertState, RequestState
from breaker.log import get_logger

_log = get_logger("alerts.log")


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
