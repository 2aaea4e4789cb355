"""PagerDuty's Events API v2: alerts are triggered and resolved by deduplication key.

A stage, and an update, trigger the same key again with the evidence and the severity of then. Notes
cannot be sent.

Source: https://developer.pagerduty.com/docs/send-alert-event
"""

import json
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
from breakerd.alerts.receivers.rendering import (
    all_names,
    content_for,
    message,
    priority,
    since,
    split_links,
    stage_text,
    without_repeats,
)

ADDRESS: Final = "https://events.pagerduty.com"

_SEVERITIES: Final = {"P1": "critical", "P2": "error", "P3": "warning", "P4": "info", "P5": "info"}
_TRIGGERS: Final = {StepKind.CREATE, StepKind.PRIORITY, StepKind.UPDATE}
_MAX_SUMMARY: Final = 1024
_MAX_COMPONENT: Final = 255
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
    accepts_updates = True
    accepts_notes = False
    sends_whole = True

    def __init__(
        self, name: str, key: SecretStr, timeout: float, address: str | None = None
    ) -> None:
        self.name = name
        self._url = (address or ADDRESS).rstrip("/") + "/v2/enqueue"
        self._key = key
        self._client = HttpClient(timeout, secrets=[key.get_secret_value()])

    def send(self, incident: Incident, step: Step) -> str:
        """Trigger or resolve the alert; an accepted event is done."""
        if event := render(incident, step, self.name):
            self._enqueue(event)
        return ""

    def preview(self, incident: Incident, step: Step) -> str:
        """Return the event of the step as indented JSON, without the routing key."""
        event = render(incident, step, self.name)
        return json.dumps(event, indent=2, ensure_ascii=False) if event else ""

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

    def _enqueue(self, event: dict[str, Any]) -> None:
        body = {"routing_key": self._key.get_secret_value(), **event}
        try:
            json_object(self._client.request("POST", self._url, json=body))
        except InvalidRequestError as error:
            # PagerDuty has no 401: it reports a wrong key as an invalid event.
            if "routing" in str(error).lower():
                raise UnauthorizedError(str(error)) from None
            raise


def render(incident: Incident, step: Step, receiver: str) -> dict[str, Any]:
    """Return the event of a step, without the routing key; empty if it has none."""
    key = {"dedup_key": _dedup_key(incident.alias)}
    if step.kind is StepKind.CLOSE:
        return {"event_action": "resolve", **key}
    if step.kind not in _TRIGGERS:
        return {}
    return {"event_action": "trigger", **key, **_alert(incident, step, receiver)}


def _alert(incident: Incident, step: Step, receiver: str) -> dict[str, Any]:
    delivery = incident.deliveries.get(receiver)
    content = content_for(incident, receiver)
    payload: dict[str, Any] = {
        "summary": truncate(message(incident, content), _MAX_SUMMARY),
        "source": content.details.get("Host") or content.source,
        "severity": _SEVERITIES[priority(incident, step)],
        "component": all_names(incident, _MAX_COMPONENT),
        "class": incident.kind,
    }
    if delivery is not None and delivery.reduced:
        return {"payload": payload, "client": "breakerd"}
    description, links = split_links(content)
    payload["timestamp"] = since(incident)
    payload["custom_details"] = _details(incident, step, content, description)
    found = [{"href": url, "text": name} for name, url in links.items()]
    page = {"client_url": url} if (url := links.get("Incident")) else {}
    return {"payload": payload, "client": "breakerd", **page, "links": found}


def _details(
    incident: Incident, step: Step, content: AlertContent, description: str
) -> dict[str, Any]:
    """Return since when and where, the description and the figures.

    Summary and links are beside it.
    """
    links = {"Incident", "Runbook", "Dashboard"}
    figures = {name: value for name, value in content.details.items() if name not in links}
    details = {
        "note": stage_text(step, content),
        "since": since(incident),
        "breakers": list(incident.members),
        "description": without_repeats(description, content).splitlines(),
        "figures": figures,
    }
    return {name: value for name, value in details.items() if value}


def _dedup_key(alias: str) -> str:
    """Return the alias, at most 255 characters of its end, which makes it unique."""
    return alias if len(alias) <= _MAX_KEY else alias[-_MAX_KEY:]
