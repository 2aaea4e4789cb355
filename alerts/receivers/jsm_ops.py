"""Jira Service Management's Operations API, which changes priorities and shows alerts.

Alerts are created under an alias and changed under the id that the API assigns. Only open alerts
are found by alias; the id of a closed one is searched for in the list.

Source: https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/
"""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from pydantic import SecretStr

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.limits import NOTE
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.model.text import truncate
from breakerd.alerts.receivers.alert_requests import (
    USER,
    AlertRequest,
    join_ids,
    overall_state,
    preview,
    shows,
    stale_tags,
)
from breakerd.alerts.receivers.base import AlertState, InvalidRequestError, RequestState
from breakerd.alerts.receivers.http import HttpClient, NotFoundError, json_object, objects
from breakerd.alerts.receivers.jsm import ADDRESS
from breakerd.alerts.receivers.opsgenie import (
    create_payload,
    has_note,
    matches,
    parse_alert_state,
    parse_request_state,
)
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_ID: Final = re.compile(r"[0-9A-Za-z:-]{20,}")
_GONE: Final = "gone"
"""Placeholder id of a request that was not sent, because its alert does not exist."""


class JsmOpsReceiver:
    """Receiver for Jira Service Management, as a user.

    Args:
        name: name in metrics.
        cloud_id: id of the site.
        auth: e-mail address and API token of the user.
        timeout: maximum seconds of a request.
        address: address of the API, without the path; Atlassian's if None.
        responders: responders of every alert, as `team:ID`; the API accepts no names.
    """

    pages_humans = True
    accepts_attachments = False
    accepts_updates = True
    accepts_notes = True
    sends_whole = False

    def __init__(
        self,
        name: str,
        cloud_id: str,
        auth: tuple[str, SecretStr],
        timeout: float,
        address: str | None = None,
        responders: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        site = quote(cloud_id, safe="")
        self._alerts = f"{(address or ADDRESS).rstrip('/')}/jsm/ops/api/{site}/v1/alerts"
        self._responders = responders
        user, token = auth
        self._client = HttpClient(timeout, auth=(user, token.get_secret_value()))

    def send(self, incident: Incident, step: Step) -> str:
        """Request `step`; the API executes it later, see `request_state`."""
        if step.kind is StepKind.CREATE:
            return self._write("POST", "", self._creation(incident, step))
        alert = self._find(incident.alias)
        if alert is None:
            return _GONE
        if step.kind is StepKind.CLOSE and alert.get("status") == "closed":
            return ""
        path = f"/{quote(str(alert['id']), safe='')}"
        requests = self._requests(incident, step)
        if step.kind is StepKind.NOTE:
            return self._note(path, requests[0])
        if step.kind is StepKind.PRIORITY:
            *responders, priority = requests
            for each in responders:
                self._add_responder(path, each)
            requests = [priority]
        return join_ids(self._write(each.method, path + each.path, each.body) for each in requests)

    def preview(self, incident: Incident, step: Step) -> str:
        """Return the requests of `step`: method, path and body of each."""
        if step.kind is StepKind.CREATE:
            return preview([AlertRequest("POST", "", self._creation(incident, step))], "/v1/alerts")
        return preview(self._requests(incident, step), "/v1/alerts/ID")

    def request_state(self, request_id: str) -> RequestState:
        """Return the outcome of the requests of a step; an unknown request is pending."""
        return overall_state(request_id, self._request_state)

    def _request_state(self, request_id: str) -> RequestState:
        if request_id == _GONE:
            return RequestState.GONE
        try:
            url = f"{self._alerts}/requests/{quote(request_id, safe='')}"
            return parse_request_state(json_object(self._client.request("GET", url)))
        except NotFoundError:
            return RequestState.PENDING
        except InvalidRequestError:
            return RequestState.FAILED

    def alert_state(self, incident: Incident) -> AlertState:
        """Return the state of the alert, as people left it."""
        alert = self._find(incident.alias)
        return AlertState.MISSING if alert is None else parse_alert_state(alert)

    def has_applied(self, incident: Incident, step: Step) -> bool:
        """True if the alert shows that the step was executed."""
        alert = self._find(incident.alias)
        if alert is None:
            return False
        if step.kind is StepKind.UPDATE:
            return shows(alert, alert.get("extraProperties"), incident.content, step)
        if step.kind is not StepKind.NOTE:
            return matches(alert, step)
        url = f"{self._alerts}/{quote(str(alert['id']), safe='')}/notes"
        return has_note(json_object(self._client.request("GET", url), "values")["values"], step)

    def keep_ready(self) -> None:
        """Keep sockets for when the process has no file descriptor left."""
        self._client.keep_ready(self._alerts)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _requests(self, incident: Incident, step: Step) -> list[AlertRequest]:
        """Return the requests that change an alert; that of a new priority is the last."""
        if step.kind is StepKind.UPDATE:
            return _updates(incident.content, step, incident.delivery_to(self.name))
        if step.kind is StepKind.PRIORITY:
            added = [AlertRequest("POST", "/responders", r) for r in _responders(step.responders)]
            return [*added, AlertRequest("PATCH", "/priority", {"priority": step.priority})]
        note = {"note": truncate(step.note, NOTE)}
        if step.kind is StepKind.NOTE:
            return [AlertRequest("POST", "/notes", note)]
        closing = AlertRequest("POST", "/close", note | {"user": USER})
        return [closing] if step.kind is StepKind.CLOSE else []

    def _add_responder(self, path: str, request: AlertRequest) -> None:
        """Add one responder; a rejected one is logged and does not stop the others."""
        try:
            self._request(request.method, path + request.path, request.body)
        except InvalidRequestError as error:
            _log.error("responder rejected", responder=request.body, problem=str(error))

    def _note(self, path: str, request: AlertRequest) -> str:
        """Add a note; unlike all other writes, it is executed when the response arrives."""
        self._request(request.method, path + request.path, request.body)
        return ""

    def _creation(self, incident: Incident, step: Step) -> dict[str, Any]:
        delivery = incident.delivery_to(self.name)
        payload = create_payload(incident, step, delivery)
        payload.pop("responders", None)
        payload.pop("user", None)
        if "details" in payload:
            payload["extraProperties"] = payload.pop("details")
        wanted = self._responders if delivery.reduced else (*self._responders, *step.responders)
        if responders := _responders(wanted):
            payload["responders"] = responders
        return payload

    def _find(self, alias: str) -> dict[str, Any] | None:
        """Return the open alert of that alias, else its latest; None if there is none."""
        try:
            response = self._client.request("GET", f"{self._alerts}/alias", params={"alias": alias})
            return json_object(response, "id")
        except NotFoundError:
            pass
        query = {"query": f'alias:"{alias}"', "sort": "createdAt", "order": "desc", "size": "1"}
        response = self._client.request("GET", self._alerts, params=query)
        values = objects(json_object(response, "values")["values"])
        return next((each for each in values if each.get("alias") == alias and "id" in each), None)

    def _write(self, method: str, path: str, payload: dict[str, Any] | None) -> str:
        response = self._client.request(method, self._alerts + path, json=payload)
        return str(json_object(response, "requestId")["requestId"])

    def _request(self, method: str, path: str, payload: dict[str, Any] | None) -> None:
        """Send a request whose outcome is known with its response."""
        json_object(self._client.request(method, self._alerts + path, json=payload))


def _updates(content: AlertContent, step: Step, delivery: DeliveryState) -> list[AlertRequest]:
    """Return the requests that bring the parts of `step` up to date, the texts first."""
    texts = {"message": content.message, "description": content.description}
    found = [
        AlertRequest("PATCH", f"/{part}", {part: text})
        for part, text in texts.items()
        if part in step.parts and text
    ]
    if "tags" in step.parts:
        changes = {"DELETE": stale_tags(content, delivery), "POST": content.tags}
        found += [AlertRequest(m, "/tags", {"tags": tags}) for m, tags in changes.items() if tags]
    if "details" in step.parts and content.details:
        found.append(
            AlertRequest("POST", "/extra-properties", {"extraProperties": content.details})
        )
    return found


def _responders(wanted: Iterable[str]) -> list[dict[str, str]]:
    """Return those with an id; names are meant for other receivers of the same stages."""
    parts = [responder.partition(":") for responder in wanted]
    return [{"type": kind, "id": id_} for kind, _, id_ in parts if _ID.fullmatch(id_)]
