"""Jira Service Management's integration events: OpsGenie's forms, and a part of its API.

It creates, acknowledges, closes and comments on alerts, and tells what became of a request. It can
neither change a priority nor show an alert. So each stage is an alert of its own, `ALIAS:s2` being
the second; notes go to the latest, and closing closes all.

Source: https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events/
and, on addressing an alert by its alias, https://jira.atlassian.com/browse/JSDCLOUD-14179
"""

from typing import Final
from urllib.parse import quote

from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import AlertState, RejectedError, RequestState
from breakerd.alerts.receivers.http import HttpClient, NotFoundError, answer_of
from breakerd.alerts.receivers.opsgenie import creation, judged, remark

ADDRESS: Final = "https://api.atlassian.com"

_ALERTS: Final = "/jsm/ops/integration/v2/alerts"
_WORST_FIRST: Final = (
    RequestState.PENDING,
    RequestState.FAILED,
    RequestState.DONE,
    RequestState.GONE,
)
_SEPARATOR: Final = ","


class JsmSink:
    """Jira Service Management, told through an integration.

    Args:
        name: as in metrics.
        key: of the integration.
        timeout: seconds that a request may take.
        address: where it is, without the path.
    """

    pages = True
    attaches = False

    def __init__(
        self, name: str, key: SecretStr, timeout: float, address: str | None = None
    ) -> None:
        self.name = name
        self._alerts = (address or ADDRESS).rstrip("/") + _ALERTS
        headers = {"Authorization": f"GenieKey {key.get_secret_value()}"}
        self._client = HttpClient(timeout, headers)

    def send(self, incident: Incident, step: Step) -> str:
        """Asks for `step`; the id is that of each request, one after the other."""
        if step.kind is StepKind.CREATE:
            return self._create(incident, step, incident.alias)
        if step.kind is StepKind.PRIORITY:
            return self._create(incident, step, _alias(incident, step.number))
        if step.kind is StepKind.NOTE:
            raised = incident.delivery_to(self.name).escalations
            return self._remark(incident, step, _alias(incident, raised))
        if step.kind is StepKind.CLOSE:
            aliases = [_alias(incident, number) for number in range(step.number + 1)]
            return _SEPARATOR.join(self._remark(incident, step, alias) for alias in aliases)
        return ""

    def look(self, request_id: str) -> RequestState:
        """What became of the requests: pending as long as one is, gone only if all are."""
        states = {self._look(each) for each in request_id.split(_SEPARATOR)}
        return next(state for state in _WORST_FIRST if state in states)

    def state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - it shows no alert
        """Unknown: an integration cannot ask for an alert."""
        return AlertState.UNKNOWN

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _create(self, incident: Incident, step: Step, alias: str) -> str:
        delivery = incident.delivery_to(self.name)
        payload = creation(incident, step, delivery) | {"alias": alias}
        if delivery.reduced:
            # Names may be what it refuses; the integration has a team of its own.
            payload.pop("responders", None)
        response = self._client.ask("POST", self._alerts, json=payload)
        return str(answer_of(response, "requestId")["requestId"])

    def _remark(self, incident: Incident, step: Step, alias: str) -> str:
        path, payload = remark(incident, step)
        url = f"{self._alerts}/{quote(alias, safe='')}{path}"
        response = self._client.ask("POST", url, params={"identifierType": "alias"}, json=payload)
        return str(answer_of(response, "requestId")["requestId"])

    def _look(self, request_id: str) -> RequestState:
        url = f"{self._alerts}/requests/{quote(request_id, safe='')}"
        try:
            answer = answer_of(self._client.ask("GET", url), "data")
        except NotFoundError:
            return RequestState.PENDING
        except RejectedError:
            return RequestState.FAILED
        return judged(answer["data"])


def _alias(incident: Incident, raised: int) -> str:
    """The alias after so many changes of the priority."""
    return f"{incident.alias}:s{raised + 1}" if raised else incident.alias
