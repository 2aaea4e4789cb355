"""Report whether a person is paged: the one source for all that show a status."""

from collections.abc import Callable, Iterable
from typing import TypedDict

from breakerd.alerts.content.labels import alert_tags
from breakerd.alerts.delivery.pipeline import DeliveryPipeline
from breakerd.alerts.incidents import policy
from breakerd.alerts.model.matchers import Subject
from breakerd.alerts.muting.mute import FindSilence, hold_reason, labels_of, subject_of
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.alerts.storage.incident_log import IncidentLog


class PagingReport(TypedDict):
    """Report of whether a person is notified when a breaker trips.

    `paging_problems` says why not. If somebody is paged, it holds what may still go wrong.
    """

    paging: bool
    paging_problems: list[str]


class PagingReporter:
    """Says for each breaker whether a person is notified, and if not, why. Thread-safe.

    A process that does not hold the lease pages nobody itself; the holder does, so that is no
    problem.

    Args:
        pipeline: the receivers.
        incident_log: the incidents.
        find_silence: finds the silence that mutes an incident.
        not_running: returns why no rounds of alerting are done; empty if they are.
        settings: returns the present settings.
        now: returns seconds since the epoch.
    """

    def __init__(
        self,
        pipeline: DeliveryPipeline,
        incident_log: IncidentLog,
        find_silence: FindSilence,
        not_running: Callable[[], str],
        settings: Callable[[], AlertingSettings],
        now: Callable[[], float],
    ) -> None:
        self._pipeline = pipeline
        self._incident_log = incident_log
        self._find_silence = find_silence
        self._not_running = not_running
        self._settings = settings
        self._now = now

    @property
    def paging(self) -> bool:
        """True if a person is notified of incidents that are not muted."""
        return self._pipeline.paging and not self._not_running()

    def problems(self) -> list[str]:
        """Return what keeps people from being paged at all, as sentences."""
        return [each for each in [self._not_running()] if each] + self._pipeline.problems()

    def muted(self, breakers: Iterable[str]) -> dict[str, str]:
        """Return by name why nobody is paged about each breaker; empty if somebody is.

        Without an incident, that is what would mute one that opens now.
        """
        now, settings, labels = self._now(), self._settings(), self._usual_labels()
        never = self._never(settings)
        found = {}
        for breaker in breakers:
            incident = self._incident_log.current(breaker)
            member = incident.members.get(breaker) if incident is not None else None
            usual = Subject((breaker,), {**labels, "Breaker": breaker})
            present = usual
            if incident is not None and member is not None:
                present = subject_of(incident, breaker, member)
            held = hold_reason(present, now, self._find_silence, settings.alerts)
            found[breaker] = held or (member.held_by if member is not None else never)
        return found

    def _never(self, settings: AlertingSettings) -> str:
        """Return which setting keeps people from hearing of a breaker that opens."""
        if not settings.opsgenie.trigger_on_breaker_open:
            return "trigger_on_breaker_open is false"
        highest = min(stage.priority for stage in policy.stages(settings))
        if self._pipeline.paging and not self._pipeline.accepts(highest):
            return f"no receiver takes alerts of {highest}: see min_priority"
        return ""

    def _usual_labels(self) -> dict[str, str]:
        """Return the labels of an alert about any breaker that opens."""
        settings = self._settings()
        opsgenie = settings.opsgenie
        first = policy.stages(settings)[0]
        tags = alert_tags("", policy.OPEN, opsgenie, resolve_identity(opsgenie), drill=False)
        return labels_of(tags) | {
            "kind": policy.OPEN, "priority": first.priority, "drill": "false",
        }  # fmt: skip
