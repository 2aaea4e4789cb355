"""PagerDuty's Events API v2: alerts are triggered and resolved by deduplication key.

A higher stage triggers the same key again with a higher severity. Notes cannot be sent.

Source: https://developer.pagerduty.com/docs/send-alert-event
"""

from typing import Any, Final

from pydantic import SecretStr

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.model.text import truncate
from breakerd.alerts.receivers.base import (
    AlertState,
    InvalidRequestError,
    RequestState,
    UnauthorizedError,
)
from breakerd.alerts.receivers.http import HttpClient, json_object

ADDRESS: Final = "https://events.pagerduty.com"

_SEVERITIES: Final = {"P1": "critical", "P2": "error", "P3": "warning", "P4": "info", "P5": "info"}
_MAX_SUMMARY: Final = 1024
_MAX_KEY: Final = 255


class PagerDutyReceiver:
    """Receiver for one service of PagerDuty.

    Args:
        name: name in metrics.
        key: routing key of the integration.
        timeout: maximum seconds of a request.
        address: address of the API, such as `https://events.eu.pagerduty.com`.
    """

    pages_humans = True
    accepts_attachments = False
    accepts_updates = False
    accepts_notes = False

    def __init__(
        self, name: str, key: SecretStr, timeout: float, address: str | None = None
    ) -> None:
        self.name = name
        self._url = (address or ADDRESS).rstrip("/") + "/v2/enqueue"
        self._key = key
        self._client = HttpClient(timeout, secrets=[key.get_secret_value()])

    def send(self, incident: Incident, step: Step) -> str:
        """Trigger or resolve the alert; an accepted event is done."""
        if step.kind in {StepKind.CREATE, StepKind.PRIORITY}:
            self._enqueue(incident, "trigger", _event(incident, step, self.name))
        elif step.kind is StepKind.CLOSE:
            self._enqueue(incident, "resolve", {})
        return ""

    def request_state(self, request_id: str) -> RequestState:  # noqa: ARG002 - no open requests
        """Return `DONE`: requests are never pending."""
        return RequestState.DONE

    def alert_state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - events go one way
        """Return `UNKNOWN`: the Events API does not show alerts."""
        return AlertState.UNKNOWN

    def keep_ready(self) -> None:
        """Keep sockets for when the process has no file descriptor left."""
        self._client.keep_ready(self._url)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _enqueue(self, incident: Incident, action: str, event: dict[str, Any]) -> None:
        body = {
            "routing_key": self._key.get_secret_value(),
            "event_action": action,
            "dedup_key": _dedup_key(incident.alias),
            **event,
        }
        try:
            json_object(self._client.request("POST", self._url, json=body))
        except InvalidRequestError as error:
            # PagerDuty has no 401: it reports a wrong key as an invalid event.
            if "routing" in str(error).lower():
                raise UnauthorizedError(str(error)) from None
            raise


def _event(incident: Incident, step: Step, name: str) -> dict[str, Any]:
    minimal = incident.delivery_to(name).reduced
    content = incident.content.minimal() if minimal else incident.content
    payload: dict[str, Any] = {
        "summary": truncate(content.message, _MAX_SUMMARY),
        "source": content.details.get("Host") or content.source,
        "severity": _SEVERITIES[step.priority],
        "component": incident.breaker,
        "class": incident.kind,
    }
    if not minimal:
        payload["custom_details"] = {**content.details, "Description": content.description}
    return {"payload": payload, "client": "breakerd", "links": _links(content)}


def _links(content: AlertContent) -> list[dict[str, str]]:
    names = ("Dashboard", "Runbook")
    return [{"href": content.details[n], "text": n} for n in names if content.details.get(n)]


def _dedup_key(alias: str) -> str:
    """Return the alias, at most 255 characters of its end, which makes it unique."""
    return alias if len(alias) <= _MAX_KEY else alias[-_MAX_KEY:]
