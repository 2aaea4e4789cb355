"""OpsGenie's alert API, over our own HTTP client with time-outs and one attempt a call.

The payloads are the SDK's models. Its transport is not used: it has no default time-out, retries on
its own, and shares one mutable key between clients.

Source: https://docs.opsgenie.com/docs/alert-api
"""

from typing import Any, Final
from urllib.parse import quote

import opsgenie_sdk

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.limits import NOTE
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.model.text import truncate
from breakerd.alerts.pictures.layout import draw
from breakerd.alerts.pictures.png import to_png
from breakerd.alerts.receivers.alert_requests import (
    USER,
    AlertRequest,
    as_json,
    join_ids,
    overall_state,
    preview,
    shows,
    updates,
)
from breakerd.alerts.receivers.base import (
    AlertState,
    InvalidRequestError,
    RequestState,
    UnavailableError,
)
from breakerd.alerts.receivers.http import HttpClient, NotFoundError, json_object, objects
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

ADDRESSES: Final = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}

_ALREADY_CLOSED: Final = "already closed"
_MISSING: Final = "does not exist"
"""Part of the status of a failed request."""
_BY_ALIAS: Final = {"identifierType": "alias"}
_ALERTS: Final = "/v2/alerts"


class OpsGenieReceiver:
    """Receiver for OpsGenie in one region, or at a custom address.

    Raises:
        ValueError: there is no key.
    """

    name = "opsgenie"
    pages_humans = True
    accepts_attachments = True
    accepts_updates = True
    accepts_notes = True
    sends_whole = False

    def __init__(self, settings: OpsGenieSettings, timeout: float) -> None:
        if settings.api_key is None:
            raise ValueError("OpsGenie needs a key: set OPSGENIE_API_KEY")
        self._address = address_of(settings).rstrip("/")
        key = settings.api_key.get_secret_value()
        self._client = HttpClient(timeout, {"Authorization": f"GenieKey {key}"})

    def send(self, incident: Incident, step: Step) -> str:
        """Request `step`; OpsGenie executes it later, see `request_state`."""
        if step.kind is StepKind.CREATE:
            payload = create_payload(incident, step, incident.delivery_to(self.name))
            return self._write("POST", _ALERTS, json=payload)
        alert = _path(incident)
        if step.kind is StepKind.ATTACH:
            return self._attach(alert, incident)
        requests = self._requests(incident, step)
        if step.kind is StepKind.PRIORITY:
            *responders, priority = requests
            for each in responders:
                self._add_responder(alert, each)
            requests = [priority]
        return join_ids(self._change(alert, each) for each in requests)

    def preview(self, incident: Incident, step: Step) -> str:
        """Return the requests of `step`: method, path and body of each."""
        if step.kind is StepKind.CREATE:
            body = create_payload(incident, step, incident.delivery_to(self.name))
            return preview([AlertRequest("POST", "", body)], _ALERTS)
        return preview(self._requests(incident, step), _path(incident))

    def request_state(self, request_id: str) -> RequestState:
        """Return the outcome of the requests of a step; an unknown request is pending."""
        return overall_state(request_id, self._request_state)

    def _request_state(self, request_id: str) -> RequestState:
        try:
            body = self._request("GET", f"/v2/alerts/requests/{quote(request_id, safe='')}")
        except NotFoundError:
            return RequestState.PENDING
        except InvalidRequestError:
            # Its outcome will never be known.
            return RequestState.FAILED
        return parse_request_state(body)

    def alert_state(self, incident: Incident) -> AlertState:
        """Return the state of the alert, as people left it."""
        try:
            body = self._request("GET", _path(incident), params=_BY_ALIAS)
        except NotFoundError:
            return AlertState.MISSING
        return parse_alert_state(body.get("data"))

    def has_applied(self, incident: Incident, step: Step) -> bool:
        """True if the alert shows that the step was executed."""
        path = _path(incident)
        try:
            if step.kind is StepKind.NOTE:
                params = {**_BY_ALIAS, "limit": "100", "direction": "next", "order": "desc"}
                notes = self._request("GET", f"{path}/notes", params=params)
                return has_note(notes.get("data"), step)
            alert = self._request("GET", path, params=_BY_ALIAS).get("data")
        except NotFoundError:
            return False
        if not isinstance(alert, dict):
            return False
        if step.kind is StepKind.UPDATE:
            return shows(alert, alert.get("details"), incident.content, step)
        return matches(alert, step)

    def keep_ready(self) -> None:
        """Keep sockets for when the process has no file descriptor left."""
        self._client.keep_ready(self._address)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _requests(self, incident: Incident, step: Step) -> list[AlertRequest]:
        """Return the requests that change an alert; that of a new priority is the last."""
        if step.kind is StepKind.UPDATE:
            return updates(incident.content, step, incident.delivery_to(self.name))
        if step.kind is StepKind.ATTACH:
            return [AlertRequest("POST", "/attachments")]
        if step.kind is not StepKind.PRIORITY:
            path, payload = note_or_close(incident, step)
            return [AlertRequest("POST", path, payload)]
        priority = as_json(opsgenie_sdk.UpdateAlertPriorityPayload(priority=step.priority))
        return [
            *(
                AlertRequest("POST", "/responders", {"responder": parse_responder(text)})
                for text in step.responders
            ),
            AlertRequest("PUT", "/priority", priority),
        ]

    def _add_responder(self, alert: str, request: AlertRequest) -> None:
        """Add one responder; a rejected one is logged and does not stop the others."""
        body = {**(request.body or {}), "user": USER}
        try:
            self._request(request.method, alert + request.path, params=_BY_ALIAS, json=body)
        except InvalidRequestError as error:
            _log.error("responder rejected", responder=body["responder"], problem=str(error))

    def _change(self, alert: str, request: AlertRequest) -> str:
        params = _BY_ALIAS | request.query
        return self._write(request.method, alert + request.path, params=params, json=request.body)

    def _attach(self, alert: str, incident: Incident) -> str:
        """Send the chart, which is attached at once."""
        if picture := _draw_chart(incident):
            self._client.request(
                "POST",
                f"{self._address}{alert}/attachments",
                params={"alertIdentifierType": "alias"},
                data={"user": USER},
                files={"file": ("last-minutes.png", picture, "image/png")},
            )
        return ""

    def _write(self, method: str, path: str, **options: Any) -> str:
        """Return the id under which the outcome can be asked for."""
        return str(self._request(method, path, key="requestId", **options)["requestId"])

    def _request(
        self, method: str, path: str, *, key: str | None = None, **options: Any
    ) -> dict[str, Any]:
        return json_object(self._client.request(method, self._address + path, **options), key)


def address_of(settings: OpsGenieSettings) -> str:
    """Return the custom address, else the region's."""
    return settings.api_url or ADDRESSES[settings.region]


# --- forms that Jira Service Management shares with OpsGenie


def create_payload(incident: Incident, step: Step, delivery: DeliveryState) -> dict[str, Any]:
    """Return the body of the request that creates the alert."""
    minimal = delivery.reduced
    content = incident.content.minimal() if minimal else incident.content
    responders = [] if minimal else [parse_responder(each) for each in step.responders]
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


def note_or_close(incident: Incident, step: Step) -> tuple[str, dict[str, Any]]:
    """Return the last part of the path, and the body, of a note or of a closing."""
    words = {"user": USER, "source": incident.content.source, "note": truncate(step.note, NOTE)}
    if step.kind is StepKind.NOTE:
        return "/notes", as_json(opsgenie_sdk.AddNoteToAlertPayload(**words))
    return "/close", as_json(opsgenie_sdk.CloseAlertPayload(**words))


def parse_responder(text: str) -> dict[str, str]:
    """Return the API's form of `team:NAME`, `user:NAME`, `escalation:NAME` or `schedule:NAME`."""
    kind, _, name = text.partition(":")
    return {"type": kind, ("username" if kind == "user" else "name"): name.strip()}


def parse_request_state(body: dict[str, Any]) -> RequestState:
    """Return the outcome that the status of a request states, at the top or under `data`.

    Raises:
        UnavailableError: `body` holds no request status.
    """
    for data in (body, body.get("data")):
        if isinstance(data, dict) and "isSuccess" in data:
            return _outcome(data)
    raise UnavailableError(f"no request status in {str(body)[:200]}")


def _outcome(data: dict[str, Any]) -> RequestState:
    status, action = str(data.get("status", "")).lower(), str(data.get("action", "")).lower()
    if is_true(data["isSuccess"]) or (action == "close" and _ALREADY_CLOSED in status):
        return RequestState.DONE
    return RequestState.GONE if _MISSING in status else RequestState.FAILED


def parse_alert_state(data: object) -> AlertState:
    """Return the state of an alert as returned by the API.

    Raises:
        UnavailableError: `data` is not an alert.
    """
    if not isinstance(data, dict) or "status" not in data:
        raise UnavailableError(f"no alert in {str(data)[:200]}")
    if str(data["status"]).lower() == "closed":
        return AlertState.CLOSED
    return AlertState.ACKNOWLEDGED if is_true(data.get("acknowledged")) else AlertState.OPEN


def is_true(value: object) -> bool:
    """Return True for what some gateways make of a JSON `true`."""
    return value is True or str(value).lower() in {"true", "1"}


def has_note(notes: object, step: Step) -> bool:
    """True if the note of `step` is among `notes`, as returned by the API."""
    return any(note.get("note") == truncate(step.note, NOTE) for note in objects(notes))


def matches(alert: dict[str, Any], step: Step) -> bool:
    """True if `alert`, as returned by the API, is in the state that `step` leads to."""
    if step.kind is StepKind.CLOSE:
        return bool(alert.get("status") == "closed")
    if step.kind is StepKind.PRIORITY:
        return bool(alert.get("priority") == step.priority)
    # A closed alert counts: people closed it early. After a reopening (`number`) it does not.
    return step.kind is StepKind.CREATE and (alert.get("status") == "open" or not step.number)


def _path(incident: Incident) -> str:
    return f"{_ALERTS}/{quote(incident.alias, safe='')}"


def _draw_chart(incident: Incident) -> bytes | None:
    """Return the chart; None if there is none, or it cannot be drawn."""
    if incident.content.chart is None:
        return None
    try:
        return to_png(draw(incident.content.chart))
    except Exception:  # noqa: BLE001 - what cannot be drawn must not delay the alerts
        _log.exception("chart cannot be drawn", alias=incident.alias)
        return None


def _team(content: AlertContent) -> str:
    return content.team if content.team != "unknown" else ""
