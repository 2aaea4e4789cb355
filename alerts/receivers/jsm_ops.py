"""Jira Service Management's Operations API: it can change a priority, and shows what people did.

Alerts are created under an alias, and changed under the id that the API gives them. Only an open
one is found by its alias, so the id is looked for in the list if it is not among those.

Source: https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/
"""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from pydantic import SecretStr

from breakerd.alerts.content.composer import NOTE
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.model.text import truncate
from breakerd.alerts.receivers.base import AlertState, RejectedError, RequestState
from breakerd.alerts.receivers.http import HttpClient, NotFoundError, answer_of
from breakerd.alerts.receivers.jsm import ADDRESS
from breakerd.alerts.receivers.opsgenie import USER, creation, judged, says, shows, state_of
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_ID: Final = re.compile(r"[0-9A-Za-z:-]{20,}")
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
            return self._escalate(path, step)
        words = {"note": truncate(step.note, NOTE)}
        if step.kind is StepKind.NOTE:
            return self._note(path, words)
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

    def has(self, incident: Incident, step: Step) -> bool:
        """Whether the alert shows that the step was carried out."""
        alert = self._find(incident.alias)
        if alert is None or step.kind is not StepKind.NOTE:
            return alert is not None and shows(alert, step)
        url = f"{self._alerts}/{quote(str(alert['id']), safe='')}/notes"
        return says(answer_of(self._client.ask("GET", url), "values")["values"], step)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _escalate(self, path: str, step: Step) -> str:
        for responder in _responders(step.responders):
            try:
                self._write("POST", f"{path}/responders", responder)
            except RejectedError as error:
                _log.error("a responder is not taken", responder=responder, problem=str(error))
        return self._write("PATCH", f"{path}/priority", {"priority": step.priority})

    def _note(self, path: str, words: dict[str, str]) -> str:
        """Unlike all else, a note is there when it is answered."""
        answer_of(self._client.ask("POST", f"{self._alerts}{path}/notes", json=words), "note")
        return ""

    def _creation(self, incident: Incident, step: Step) -> dict[str, Any]:
        delivery = incident.delivery_to(self.name)
        payload = creation(incident, step, delivery)
        payload.pop("responders", None)
        payload.pop("user", None)
        if "details" in payload:
            payload["extraProperties"] = payload.pop("details")
        wanted = self._responders if delivery.reduced else (*self._responders, *step.responders)
        if responders := _responders(wanted):
            payload["responders"] = responders
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


def _responders(wanted: Iterable[str]) -> list[dict[str, str]]:
    """Those of them that are ids; names are for other receivers of the same stages."""
    parts = [responder.partition(":") for responder in wanted]
    return [{"type": kind, "id": id_} for kind, _, id_ in parts if _ID.fullmatch(id_)]
