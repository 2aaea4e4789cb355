"""Jira Service Management's integration events: a part of OpsGenie's API, with its forms.

The API creates, acknowledges, closes and comments on alerts, and returns the status of a request.
It can neither change a priority nor show an alert. So each stage is an alert of its own, the second
being `ALIAS:s2`; notes go to the latest alert, and a closing closes all of them.

Source: https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events/
and, on addressing an alert by its alias, https://jira.atlassian.com/browse/JSDCLOUD-14179
"""

from typing import Any, Final
from urllib.parse import quote

from pydantic import SecretStr

from breakerd.alerts.model.delivery import receiver_type
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.alert_requests import (
    AlertRequest,
    join_ids,
    overall_state,
    preview,
)
from breakerd.alerts.receivers.base import AlertState, InvalidRequestError, RequestState
from breakerd.alerts.receivers.http import HttpClient, NotFoundError, json_object
from breakerd.alerts.receivers.opsgenie import create_payload, note_or_close, parse_request_state

ADDRESS: Final = "https://api.atlassian.com"

_TYPE: Final = "jsm"
_ALERTS: Final = "/jsm/ops/integration/v2/alerts"


class JsmReceiver:
    """Receiver for Jira Service Management, through an integration.

    Args:
        name: name in metrics.
        key: key of the integration.
        timeout: maximum seconds of a request.
        address: address of the API, without the path; Atlassian's if None.
    """

    pages_humans = True
    accepts_attachments = False
    accepts_updates = False
    accepts_notes = True
    sends_whole = False

    def __init__(
        self, name: str, key: SecretStr, timeout: float, address: str | None = None
    ) -> None:
        self.name = name
        self._alerts = (address or ADDRESS).rstrip("/") + _ALERTS
        headers = {"Authorization": f"GenieKey {key.get_secret_value()}"}
        self._client = HttpClient(timeout, headers)

    def send(self, incident: Incident, step: Step) -> str:
        """Request `step`; the returned id joins the ids of all requests that it takes."""
        if step.kind is StepKind.CREATE:
            return self._create(incident, step, incident.alias)
        if step.kind is StepKind.PRIORITY:
            return self._create(incident, step, _alias(incident, step.number))
        aliases = self._aliases(incident, step)
        return join_ids(self._note_or_close(incident, step, alias) for alias in aliases)

    def preview(self, incident: Incident, step: Step) -> str:
        """Return the requests of `step`: method, path and body of each."""
        if step.kind in {StepKind.CREATE, StepKind.PRIORITY}:
            raised = step.number if step.kind is StepKind.PRIORITY else 0
            body = self._creation(incident, step, _alias(incident, raised))
            return preview([AlertRequest("POST", "", body)], _ALERTS)
        aliases = self._aliases(incident, step)
        path, payload = note_or_close(incident, step)
        request = [AlertRequest("POST", path, payload)]
        return "\n\n".join(preview(request, f"{_ALERTS}/{quote(a, safe='')}") for a in aliases)

    def request_state(self, request_id: str) -> RequestState:
        """Return the outcome of the requests: `PENDING` while one is, `GONE` only if all are."""
        return overall_state(request_id, self._request_state)

    def alert_state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - it shows no alert
        """Return `UNKNOWN`: an integration cannot read alerts."""
        return AlertState.UNKNOWN

    def keep_ready(self) -> None:
        """Keep sockets for when the process has no file descriptor left."""
        self._client.keep_ready(self._alerts)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _create(self, incident: Incident, step: Step, alias: str) -> str:
        payload = self._creation(incident, step, alias)
        response = self._client.request("POST", self._alerts, json=payload)
        return str(json_object(response, "requestId")["requestId"])

    def _creation(self, incident: Incident, step: Step, alias: str) -> dict[str, Any]:
        delivery = incident.delivery_to(self.name)
        payload = create_payload(incident, step, delivery) | {"alias": alias}
        if delivery.reduced:
            # Names may be what it rejects; the integration has a team of its own.
            payload.pop("responders", None)
        return payload

    def _aliases(self, incident: Incident, step: Step) -> list[str]:
        """Return the aliases that a note or a closing goes to."""
        if step.kind is StepKind.NOTE:
            return [_alias(incident, incident.delivery_to(self.name).escalations)]
        if step.kind is StepKind.CLOSE:
            return [_alias(incident, each) for each in range(_most(incident, step.number) + 1)]
        return []

    def _note_or_close(self, incident: Incident, step: Step, alias: str) -> str:
        path, payload = note_or_close(incident, step)
        url = f"{self._alerts}/{quote(alias, safe='')}{path}"
        params = {"identifierType": "alias"}
        response = self._client.request("POST", url, params=params, json=payload)
        return str(json_object(response, "requestId")["requestId"])

    def _request_state(self, request_id: str) -> RequestState:
        url = f"{self._alerts}/requests/{quote(request_id, safe='')}"
        try:
            return parse_request_state(json_object(self._client.request("GET", url)))
        except NotFoundError:
            return RequestState.PENDING
        except InvalidRequestError:
            return RequestState.FAILED


def _most(incident: Incident, own: int) -> int:
    """Return the highest number of changes: others of this type may share the account."""
    states = [s for name, s in incident.deliveries.items() if receiver_type(name) == _TYPE]
    return max(own, incident.former.get(_TYPE, 0), *(each.most_escalations for each in states), 0)


def _alias(incident: Incident, raised: int) -> str:
    """Return the alias after `raised` escalations."""
    return f"{incident.alias}:s{raised + 1}" if raised else incident.alias
