"""OpsGenie's alert API, over our own HTTP client: with time-outs, and one attempt a call.

The payloads are the SDK's models. Its transport is not used: it has no default time-out, retries by
itself, and shares one mutable key between clients.

Source: https://docs.opsgenie.com/docs/alert-api
"""

from typing import Any, Final
from urllib.parse import quote

import opsgenie_sdk

from breakerd.alerts.content.chart import draw
from breakerd.alerts.content.composer import NOTE
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.model.text import truncate
from breakerd.alerts.receivers.base import AlertState, RejectedError, RequestState, UnavailableError
from breakerd.alerts.receivers.http import HttpClient, NotFoundError, answer_of
from breakerd.alerts.settings.alerting import OpsGenieSettings
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

ADDRESSES: Final = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}
USER: Final = "breakerd"

_CLOSED: Final = "already closed"
_MISSING: Final = "does not exist"
"""In the status of a request that failed."""
_BY_ALIAS: Final = {"identifierType": "alias"}


class OpsGenieSink:
    """OpsGenie in one region, or at a custom address.

    Raises:
        ValueError: there is no key.
    """

    name = "opsgenie"
    pages = True
    attaches = True

    def __init__(self, settings: OpsGenieSettings, timeout: float) -> None:
        if settings.api_key is None:
            raise ValueError("OpsGenie needs a key: set OPSGENIE_API_KEY")
        self._address = address_of(settings).rstrip("/")
        key = settings.api_key.get_secret_value()
        self._client = HttpClient(timeout, {"Authorization": f"GenieKey {key}"})

    def send(self, incident: Incident, step: Step) -> str:
        """Asks for `step`; OpsGenie carries it out later, see `look`."""
        alert = f"/v2/alerts/{quote(incident.alias, safe='')}"
        if step.kind is StepKind.CREATE:
            payload = creation(incident, step, incident.delivery_to(self.name))
            return self._write("POST", "/v2/alerts", json=payload)
        if step.kind is StepKind.PRIORITY:
            return self._escalate(alert, step)
        if step.kind is StepKind.ATTACH:
            return self._attach(alert, incident)
        path, payload = remark(incident, step)
        return self._write("POST", alert + path, params=_BY_ALIAS, json=payload)

    def look(self, request_id: str) -> RequestState:
        """What became of a request; one that is not known yet is pending."""
        try:
            answer = self._ask("GET", f"/v2/alerts/requests/{quote(request_id, safe='')}")
        except NotFoundError:
            return RequestState.PENDING
        except RejectedError:
            # Nothing will ever be heard of it.
            return RequestState.FAILED
        return judged(answer.get("data"))

    def state(self, incident: Incident) -> AlertState:
        """What people have made of the alert: acknowledged it, closed it, deleted it."""
        path = f"/v2/alerts/{quote(incident.alias, safe='')}"
        try:
            answer = self._ask("GET", path, params=_BY_ALIAS)
        except NotFoundError:
            return AlertState.MISSING
        return state_of(answer.get("data"))

    def has(self, incident: Incident, step: Step) -> bool:
        """Whether the alert shows that the step was carried out."""
        path = f"/v2/alerts/{quote(incident.alias, safe='')}"
        try:
            if step.kind is StepKind.NOTE:
                params = {**_BY_ALIAS, "limit": "100", "direction": "next", "order": "desc"}
                return says(self._ask("GET", f"{path}/notes", params=params).get("data"), step)
            alert = self._ask("GET", path, params=_BY_ALIAS).get("data")
        except NotFoundError:
            return False
        return isinstance(alert, dict) and shows(alert, step)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _escalate(self, alert: str, step: Step) -> str:
        for responder in step.responders:
            self._add_responder(alert, responder)
        payload = as_json(opsgenie_sdk.UpdateAlertPriorityPayload(priority=step.priority))
        return self._write("PUT", f"{alert}/priority", params=_BY_ALIAS, json=payload)

    def _add_responder(self, alert: str, responder: str) -> None:
        """One that OpsGenie does not take keeps nobody else from being told."""
        payload = {"responder": responder_of(responder), "user": USER}
        try:
            self._write("POST", f"{alert}/responders", params=_BY_ALIAS, json=payload)
        except RejectedError as error:
            _log.error("a responder is not taken", responder=responder, problem=str(error))

    def _attach(self, alert: str, incident: Incident) -> str:
        """Sends the picture, which is there at once."""
        if picture := _picture(incident):
            self._client.ask(
                "POST",
                f"{self._address}{alert}/attachments",
                params={"alertIdentifierType": "alias"},
                data={"user": USER},
                files={"file": ("last-minutes.png", picture, "image/png")},
            )
        return ""

    def _write(self, method: str, path: str, **request: Any) -> str:
        return str(self._ask(method, path, **request)["requestId"])

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        response = self._client.ask(method, self._address + path, **request)
        return answer_of(response, "requestId")


def address_of(settings: OpsGenieSettings) -> str:
    """Where OpsGenie is: the custom address, else the region's."""
    return settings.api_url or ADDRESSES[settings.region]


# --- what Jira Service Management has taken over from OpsGenie


def creation(incident: Incident, step: Step, delivery: DeliveryState) -> dict[str, Any]:
    """The body that creates the alert."""
    minimal = delivery.reduced
    content = incident.content.minimal() if minimal else incident.content
    responders = [] if minimal else [responder_of(each) for each in step.responders]
    if team := _team(content):
        responders.insert(0, {"type": "team", "name": team})
    return as_json(
        opsgenie_sdk.CreateAlertPayload(
            message=content.message,
            alias=incident.alias,
            description=content.description or None,
            responders=responders or None,
            tags=content.tags or None,
            details=content.details or None,
            entity=content.entity or None,
            source=content.source,
            user=USER,
            priority=step.priority,
        )
    )


def remark(incident: Incident, step: Step) -> tuple[str, dict[str, Any]]:
    """The last part of the path, and the body, of a note or a closing."""
    words = {"user": USER, "source": incident.content.source, "note": truncate(step.note, NOTE)}
    if step.kind is StepKind.NOTE:
        return "/notes", as_json(opsgenie_sdk.AddNoteToAlertPayload(**words))
    return "/close", as_json(opsgenie_sdk.CloseAlertPayload(**words))


def responder_of(text: str) -> dict[str, str]:
    """`team:NAME` and its kind, as the API wants them."""
    kind, _, name = text.partition(":")
    return {"type": kind, ("username" if kind == "user" else "name"): name.strip()}


def judged(data: object) -> RequestState:
    """What the status of a request says.

    Raises:
        UnavailableError: it is no such status.
    """
    if not isinstance(data, dict) or "isSuccess" not in data:
        raise UnavailableError(f"no request status in {str(data)[:200]}")
    status = str(data.get("status", "")).lower()
    if data["isSuccess"] or (data.get("action") == "Close" and _CLOSED in status):
        return RequestState.DONE
    return RequestState.GONE if _MISSING in status else RequestState.FAILED


def state_of(data: object) -> AlertState:
    """What people have made of the alert that the API shows.

    Raises:
        UnavailableError: it is no alert.
    """
    if not isinstance(data, dict) or "status" not in data:
        raise UnavailableError(f"no alert in {str(data)[:200]}")
    if data["status"] == "closed":
        return AlertState.CLOSED
    return AlertState.ACKNOWLEDGED if data.get("acknowledged") else AlertState.OPEN


def says(notes: object, step: Step) -> bool:
    """Whether the note of `step` is among those that the API shows."""
    found = [note for note in notes if isinstance(note, dict)] if isinstance(notes, list) else []
    return any(note.get("note") == truncate(step.note, NOTE) for note in found)


def shows(alert: dict[str, Any], step: Step) -> bool:
    """Whether an alert that the API shows is as the step wants it."""
    if step.kind is StepKind.CLOSE:
        return bool(alert.get("status") == "closed")
    if step.kind is StepKind.PRIORITY:
        return bool(alert.get("priority") == step.priority)
    # Closed by people before anybody knew that it is there; unless that is why it is opened again.
    return step.kind is StepKind.CREATE and (alert.get("status") == "open" or not step.number)


def as_json(payload: Any) -> dict[str, Any]:
    """The payload under the names of the API, without what is not set."""
    values = {name: getattr(payload, attr) for attr, name in payload.attribute_map.items()}
    return {name: value for name, value in values.items() if value is not None}


def _picture(incident: Incident) -> bytes | None:
    """The picture; a page does without it if it cannot be drawn."""
    if incident.content.chart is None:
        return None
    try:
        return draw(incident.content.chart)
    except Exception:  # noqa: BLE001 - drawing is not ours, and must not hold up the alerts
        _log.exception("a picture cannot be drawn", alias=incident.alias)
        return None


def _team(content: AlertContent) -> str:
    return content.team if content.team != "unknown" else ""
