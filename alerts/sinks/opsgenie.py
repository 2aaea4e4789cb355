"""OpsGenie's alert API, over our own HTTP client: with time-outs, and one attempt a call.

The payloads are the SDK's models. Its transport is not used: it has no default time-out, retries by
itself, and shares one mutable key between clients.
"""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import httpx
import opsgenie_sdk

from alerts.content import NOTE, shorten
from alerts.delivery import Step, StepKind
from alerts.incident import Incident
from alerts.settings import OpsGenieSettings
from alerts.sinks.protocol import (
    AlertState,
    PausedError,
    RefusedError,
    RejectedError,
    RequestState,
    UnavailableError,
)

ADDRESSES: Final = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}

_DEFAULT_PAUSE: Final = 60.0
_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 3600.0
_USER: Final = "breakerd"
_CLOSED: Final = "already closed"
_MISSING: Final = "does not exist"
"""In the status of a request that failed."""


class OpsGenieSink:
    """OpsGenie in one region, or at a custom address.

    Raises:
        ValueError: there is no key.
    """

    name = "opsgenie"
    pages = True
    attaches = False

    def __init__(self, settings: OpsGenieSettings, timeout: float) -> None:
        if settings.api_key is None:
            raise ValueError("OpsGenie needs a key: set OPSGENIE_API_KEY")
        self.address = address_of(settings)
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(5.0, timeout)),
            headers={"Authorization": f"GenieKey {settings.api_key.get_secret_value()}"},
            follow_redirects=False,
        )

    def send(self, incident: Incident, step: Step) -> str:
        """Asks for `step`; OpsGenie carries it out later, see `look`."""
        method, path, payload = _request(incident, step)
        params = {} if step.kind is StepKind.CREATE else {"identifierType": "alias"}
        answer = self._ask(method, path, params=params, json=_as_json(payload))
        return str(answer["requestId"])

    def look(self, request_id: str) -> RequestState:
        """What became of a request; one that is not known yet is pending."""
        try:
            answer = self._ask("GET", f"/v2/alerts/requests/{quote(request_id, safe='')}")
        except _NotFoundError:
            return RequestState.PENDING
        except RejectedError:
            # Nothing will ever be heard of it.
            return RequestState.FAILED
        data = answer.get("data")
        if not isinstance(data, dict) or "isSuccess" not in data:
            raise UnavailableError(f"no request status in {str(answer)[:200]}")
        status = str(data.get("status", "")).lower()
        if data["isSuccess"] or (data.get("action") == "Close" and _CLOSED in status):
            return RequestState.DONE
        return RequestState.GONE if _MISSING in status else RequestState.FAILED

    def state(self, incident: Incident) -> AlertState:
        """What people have made of the alert: acknowledged it, closed it, deleted it."""
        path = f"/v2/alerts/{quote(incident.alias, safe='')}"
        try:
            answer = self._ask("GET", path, params={"identifierType": "alias"})
        except _NotFoundError:
            return AlertState.MISSING
        data = answer.get("data")
        if not isinstance(data, dict) or "status" not in data:
            raise UnavailableError(f"no alert in {str(answer)[:200]}")
        if data["status"] == "closed":
            return AlertState.CLOSED
        return AlertState.ACKNOWLEDGED if data.get("acknowledged") else AlertState.OPEN

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own
        try:
            response = self._client.request(method, self.address.rstrip("/") + path, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL) as error:
            raise UnavailableError(_sentence(error), maybe_taken=False) from None
        except httpx.HTTPError as error:
            raise UnavailableError(_sentence(error)) from None
        return _understood(response)


def address_of(settings: OpsGenieSettings) -> str:
    """Where OpsGenie is: the custom address, else the region's."""
    return settings.api_url or ADDRESSES[settings.region]


class _NotFoundError(UnavailableError):
    """404: a request that was not carried out yet; for all else, a wrong address."""


def _request(incident: Incident, step: Step) -> tuple[str, str, Any]:
    alert = f"/v2/alerts/{quote(incident.alias, safe='')}"
    source = incident.content.source
    note = shorten(step.note, NOTE)
    if step.kind is StepKind.CREATE:
        return "POST", "/v2/alerts", _creation(incident, step)
    if step.kind is StepKind.PRIORITY:
        payload = opsgenie_sdk.UpdateAlertPriorityPayload(priority=step.priority)
        return "PUT", f"{alert}/priority", payload
    if step.kind is StepKind.NOTE:
        payload = opsgenie_sdk.AddNoteToAlertPayload(user=_USER, source=source, note=note)
        return "POST", f"{alert}/notes", payload
    payload = opsgenie_sdk.CloseAlertPayload(user=_USER, source=source, note=note)
    return "POST", f"{alert}/close", payload


def _creation(incident: Incident, step: Step) -> Any:  # noqa: ANN401 - the SDK has no types
    minimal = incident.delivery_to(OpsGenieSink.name).minimal
    content = incident.content.minimal() if minimal else incident.content
    team = content.team if content.team != "unknown" else ""
    return opsgenie_sdk.CreateAlertPayload(
        message=content.message,
        alias=incident.alias,
        description=content.description or None,
        responders=[{"type": "team", "name": team}] if team else None,
        tags=content.tags or None,
        details=content.details or None,
        entity=content.entity or None,
        source=content.source,
        user=_USER,
        priority=step.priority,
    )


def _as_json(payload: Any) -> dict[str, Any]:  # noqa: ANN401 - the SDK has no types
    """The payload under the names of the API, without what is not set."""
    values = {name: getattr(payload, attr) for attr, name in payload.attribute_map.items()}
    return {name: value for name, value in values.items() if value is not None}


def _understood(response: httpx.Response) -> dict[str, Any]:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise PausedError(_pause(response))
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise RefusedError(f"{status}: {_words(response)}")
    if status == httpx.codes.NOT_FOUND:
        raise _NotFoundError(f"404: {_words(response)}", maybe_taken=False)
    if status in {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}:
        raise RejectedError(f"{status}: {_words(response)}")
    try:
        answer = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        answer = None
    if not response.is_success or not isinstance(answer, dict) or "requestId" not in answer:
        raise UnavailableError(f"{status}: {_words(response)}")
    return answer


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _words(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])[:200]
    except (ValueError, KeyError, TypeError):
        return repr(response.text[:80])


def _pause(response: httpx.Response) -> float:
    """How long to be quiet: Retry-After (seconds or a date), or OpsGenie's own header."""
    headers = response.headers
    value = headers.get("Retry-After") or headers.get("X-RateLimit-Period-In-Sec") or ""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            seconds = _DEFAULT_PAUSE
    return min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, seconds))
