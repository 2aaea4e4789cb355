"""PagerDuty's Events API v2: an alert is triggered, and resolved, under its deduplication key.

A higher stage is the same key triggered again with a higher severity. Notes cannot be sent.

Source: https://developer.pagerduty.com/docs/send-alert-event
"""

from typing import Any, Final

from pydantic import SecretStr

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.model.text import truncate
from breakerd.alerts.receivers.base import AlertState, RefusedError, RejectedError, RequestState
from breakerd.alerts.receivers.http import HttpClient, answer_of

ADDRESS: Final = "https://events.pagerduty.com"

_SEVERITIES: Final = {"P1": "critical", "P2": "error", "P3": "warning", "P4": "info", "P5": "info"}
_SUMMARY: Final = 1024
_KEY: Final = 255


class PagerDutySink:
    """One service of PagerDuty.

    Args:
        name: as in metrics.
        key: the integration's routing key.
        timeout: seconds that a request may take.
        address: where the API is, such as `https://events.eu.pagerduty.com`.
    """

    pages = True
    attaches = False

    def __init__(
        self, name: str, key: SecretStr, timeout: float, address: str | None = None
    ) -> None:
        self.name = name
        self._url = (address or ADDRESS).rstrip("/") + "/v2/enqueue"
        self._key = key
        self._client = HttpClient(timeout, secrets=[key.get_secret_value()])

    def send(self, incident: Incident, step: Step) -> str:
        """Triggers or resolves; what is accepted is done."""
        if step.kind in {StepKind.CREATE, StepKind.PRIORITY}:
            self._enqueue(incident, "trigger", _event(incident, step, self.name))
        elif step.kind is StepKind.CLOSE:
            self._enqueue(incident, "resolve", {})
        return ""

    def look(self, request_id: str) -> RequestState:  # noqa: ARG002 - there are no open requests
        """Done: nothing is ever under way."""
        return RequestState.DONE

    def state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - events go one way
        """Unknown: what people do is not told to who sends events."""
        return AlertState.UNKNOWN

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _enqueue(self, incident: Incident, action: str, event: dict[str, Any]) -> None:
        body = {
            "routing_key": self._key.get_secret_value(),
            "event_action": action,
            "dedup_key": _dedup_key(incident.alias),
            **event,
        }
        try:
            answer_of(self._client.ask("POST", self._url, json=body), "status")
        except RejectedError as error:
            # It does not know 401: a wrong key is one more thing that is wrong with the event.
            if "routing" in str(error).lower():
                raise RefusedError(str(error)) from None
            raise


def _event(incident: Incident, step: Step, name: str) -> dict[str, Any]:
    minimal = incident.delivery_to(name).reduced
    content = incident.content.minimal() if minimal else incident.content
    payload: dict[str, Any] = {
        "summary": truncate(content.message, _SUMMARY),
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
    """The alias; its end is what makes it unique."""
    return alias if len(alias) <= _KEY else alias[-_KEY:]
