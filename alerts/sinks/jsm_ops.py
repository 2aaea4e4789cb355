"""Jira Service Management's Operations API: it can change a priority, and shows what people did.

Alerts are created under an alias, and changed under the id that the API gives them. Only an open
one is found by its alias, so the id is looked for in the list if it is not among those.

Source: https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/
"""

from typing import Any, Final
from urllib.parse import quote

from pydantic import SecretStr

from alerts.content import NOTE
from alerts.delivery import Step, StepKind
from alerts.incident import Incident
from alerts.sinks.http import HttpClient, NotFoundError, answer_of
from alerts.sinks.jsm import ADDRESS
from alerts.sinks.opsgenie import USER, creation, judged, state_of
from alerts.sinks.protocol import AlertState, RejectedError, RequestState
from alerts.words import shorten

_GONE: Final = "gone"
"""In place of a request's id, where there is no alert that it could be about."""


class JsmOpsSink:
    """Jira Service Management, told as a user.

    Args:
        name: as in metrics.
        cloud_id: of the site.
        auth: the user's address and API token.
        timeout: seconds that a request may take.
        address: where the API is, without the path.
        responders: ids of whom to tell, as `team:ID`; names are not taken.
    """

    pages = True
    attaches = False

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
        """Asks for `step`; the API carries it out later, see `look`."""
        if step.kind is StepKind.CREATE:
            return self._write("POST", "", self._creation(incident, step))
        alert = self._find(incident.alias)
        if alert is None:
            return _GONE
        path = f"/{quote(str(alert['id']), safe='')}"
        if step.kind is StepKind.PRIORITY:
            return self._write("PATCH", f"{path}/priority", {"priority": step.priority})
        words = {"note": shorten(step.note, NOTE)}
        if step.kind is StepKind.NOTE:
            return self._write("POST", f"{path}/notes", words)
        if step.kind is StepKind.CLOSE and alert.get("status") != "closed":
            return self._write("POST", f"{path}/close", words | {"user": USER})
        return ""

    def look(self, request_id: str) -> RequestState:
        """What became of a request; one that is not known yet is pending."""
        if request_id == _GONE:
            return RequestState.GONE
        try:
            url = f"{self._alerts}/requests/{quote(request_id, safe='')}"
            return judged(answer_of(self._client.ask("GET", url), "isSuccess"))
        except NotFoundError:
            return RequestState.PENDING
        except RejectedError:
            return RequestState.FAILED

    def state(self, incident: Incident) -> AlertState:
        """What people have made of the alert: acknowledged it, closed it, deleted it."""
        alert = self._find(incident.alias)
        return AlertState.MISSING if alert is None else state_of(alert)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _creation(self, incident: Incident, step: Step) -> dict[str, Any]:
        payload = creation(incident, step, incident.delivery_to(self.name))
        payload.pop("responders", None)
        payload.pop("user", None)
        if "details" in payload:
            payload["extraProperties"] = payload.pop("details")
        wanted = [each.partition(":") for each in (*self._responders, *step.responders)]
        if wanted:
            payload["responders"] = [{"type": kind, "id": id_} for kind, _, id_ in wanted]
        return payload

    def _find(self, alias: str) -> dict[str, Any] | None:
        """The alert of that alias: the open one, else the latest; None if there is none."""
        try:
            response = self._client.ask("GET", f"{self._alerts}/alias", params={"alias": alias})
            return answer_of(response, "id")
        except NotFoundError:
            pass
        query = {"query": f'alias:"{alias}"', "sort": "createdAt", "order": "desc", "size": "1"}
        values = answer_of(self._client.ask("GET", self._alerts, params=query), "values")["values"]
        found = [each for each in values if each.get("alias") == alias]
        return found[0] if found else None

    def _write(self, method: str, path: str, payload: dict[str, Any]) -> str:
        response = self._client.ask(method, self._alerts + path, json=payload)
        return str(answer_of(response, "requestId")["requestId"])
