"""Requests that change an alert, in the forms that OpsGenie and its successors share."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import opsgenie_sdk

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.step import Step
from breakerd.alerts.receivers.base import RequestState

USER: Final = "breakerd"

_BY_PRECEDENCE: Final = (RequestState.FAILED, RequestState.DONE, RequestState.GONE)
_SEPARATOR: Final = ","


@dataclass(frozen=True, slots=True)
class AlertRequest:
    """One request: its method, its path below the alert's own, its body and its query."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict)


def updates(content: AlertContent, step: Step, delivery: DeliveryState) -> list[AlertRequest]:
    """Return OpsGenie's requests that bring the parts of `step` up to date, the texts first."""
    by = {"user": USER, "source": content.source}
    wanted = {part: value for part, value in _values(content).items() if part in step.parts}
    found = [
        AlertRequest("PUT", f"/{part}", {part: wanted[part]})
        for part in ("message", "description")
        if wanted.get(part)
    ]
    if "tags" in wanted and (stale := stale_tags(content, delivery)):
        found.append(AlertRequest("DELETE", "/tags", query={"tags": ",".join(stale), **by}))
    if tags := wanted.get("tags"):
        payload = opsgenie_sdk.AddTagsToAlertPayload(tags=tags, **by)
        found.append(AlertRequest("POST", "/tags", as_json(payload)))
    if details := wanted.get("details"):
        payload = opsgenie_sdk.AddDetailsToAlertPayload(details=details, **by)
        found.append(AlertRequest("POST", "/details", as_json(payload)))
    return found


def stale_tags(content: AlertContent, delivery: DeliveryState) -> list[str]:
    """Return the tags that the alert may have and should not; those with a comma stay."""
    return [tag for tag in delivery.tags if tag not in content.tags and "," not in tag]


def shows(alert: Mapping[str, Any], details: object, content: AlertContent, step: Step) -> bool:
    """True if `alert`, as returned by the API, has the parts of `step` with their `content`.

    Args:
        alert: the alert.
        details: its details, which APIs name differently.
        content: the content.
        step: the update.
    """
    tags = alert.get("tags")
    has = {
        "message": alert.get("message") == content.message,
        "description": alert.get("description", "") == content.description,
        "tags": isinstance(tags, list) and set(content.tags) <= {str(tag) for tag in tags},
        "details": isinstance(details, dict) and content.details.items() <= details.items(),
    }
    return all(has[part] for part in step.parts)


def join_ids(ids: Iterable[str]) -> str:
    """Return the ids of several requests as one; empty ids are left out."""
    return _SEPARATOR.join(filter(None, ids))


def overall_state(request_id: str, state_of: Callable[[str], RequestState]) -> RequestState:
    """Return the outcome of all requests of an id: `PENDING` while one is, `GONE` only if all are.

    Args:
        request_id: id that `join_ids` has returned.
        state_of: returns the outcome of one request.
    """
    found = set()
    for each in request_id.split(_SEPARATOR):
        state = state_of(each)
        if state is RequestState.PENDING:
            return state
        found.add(state)
    return next(state for state in _BY_PRECEDENCE if state in found)


def preview(requests: Iterable[AlertRequest], alert: str) -> str:
    """Return the method, path and body of each request, as text.

    Args:
        requests: the requests.
        alert: path of the alert.
    """
    return "\n\n".join(_as_text(each, alert) for each in requests)


def as_json(payload: Any) -> dict[str, Any]:
    """Return the payload with the API's names, without attributes that are not set."""
    values = {name: getattr(payload, attr) for attr, name in payload.attribute_map.items()}
    return {name: value for name, value in values.items() if value is not None}


def _values(content: AlertContent) -> dict[str, Any]:
    return {
        "message": content.message,
        "description": content.description,
        "tags": content.tags,
        "details": content.details,
    }


def _as_text(request: AlertRequest, alert: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    line = f"{request.method} {alert}{request.path}" + (f"?{query}" if query else "")
    if request.body is None:
        return line
    return f"{line}\n{json.dumps(request.body, indent=2, ensure_ascii=False)}"
