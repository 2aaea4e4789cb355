"""Outcomes of deliveries: counted for metrics, and logged."""

from collections import Counter

from breakerd.alerts.delivery.journal import JournalHook, detail_of, step_of
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)


class OutcomeRecorder:
    """Counts and logs the outcomes of one receiver.

    Args:
        receiver: name of the receiver.
        counts: counter of outcomes by (receiver, outcome).
        journal: told what became of each alert; None: nobody is.
    """

    def __init__(
        self, receiver: str, counts: Counter[tuple[str, str]], journal: JournalHook | None = None
    ) -> None:
        self._receiver = receiver
        self._counts = counts
        self._journal = journal or JournalHook()

    def count(self, outcome: str) -> None:
        """Count one outcome."""
        self._counts[self._receiver, outcome] += 1

    def delivered(self, incident: Incident, step: Step) -> None:
        """Record that the receiver has applied `step`. An update notifies nobody."""
        updated = step.kind is StepKind.UPDATE
        self.count("updated" if updated else "delivered")
        _log.info(
            "alert updated" if updated else "alert delivered",
            alias=incident.alias,
            step=step.kind.value,
            receiver=self._receiver,
        )
        if not updated:
            self._tell(incident, step.kind.value, detail_of(step))

    def failed(self, incident: Incident, outcome: str, error: Exception) -> None:
        """Record that an attempt failed, and how it was handled."""
        self.count(outcome)
        _log.warning(
            "alert not delivered",
            alias=incident.alias,
            receiver=self._receiver,
            outcome=outcome,
            problem=str(error),
        )

    def dead_letter(self, incident: Incident, error: Exception) -> None:
        """Log that delivery of the incident was given up."""
        _log.error(
            "alert given up", alias=incident.alias, receiver=self._receiver, problem=str(error)
        )
        self._tell(incident, "given_up", str(error))

    def missing(self, incident: Incident, step: Step) -> None:
        """Record that the alert does not exist at the receiver any more."""
        self.count("gone")
        _log.warning(
            "alert is gone", alias=incident.alias, step=step.kind.value, receiver=self._receiver
        )
        self._tell(incident, "gone")

    def acknowledged(self, incident: Incident, *, acknowledged: bool) -> None:
        """Log that a person acknowledged the alert, or withdrew the acknowledgement."""
        event = "alert acknowledged" if acknowledged else "alert unacknowledged"
        _log.info(event, alias=incident.alias, receiver=self._receiver)
        self._tell(incident, "acknowledged" if acknowledged else "unacknowledged")

    def closed_manually(self, incident: Incident) -> None:
        """Record that a person closed the alert."""
        self.count("closed_manually")
        _log.info("alert closed manually", alias=incident.alias, receiver=self._receiver)
        self._tell(incident, "closed_manually")

    def _tell(self, incident: Incident, step: str, detail: str = "") -> None:
        self._journal.tell(step_of(incident, self._receiver, step, detail))
