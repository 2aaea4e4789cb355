"""Observe the demo: the admin plane's status and events, and the emulator's alerts."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx

_TIMEOUT: Final = 10.0
"""Seconds until a request fails."""
_CONNECTIONS: Final = 200
"""Maximum number of connections to the service."""
_ADMIN: Final = "admin plane"
_EMULATOR: Final = "emulator"


@dataclass(frozen=True)
class TimelineEntry:
    """One observation: Unix time, text, and the process it was read from."""

    at: float
    what: str
    source: str


class DemoError(Exception):
    """A process of the demo did not start, or answered with an error."""


class Observer:
    """Follow the service's events, poll the emulator's alerts, and record what is new.

    To be used as an async context manager, in one event loop.

    Args:
        service: URL of the service, with demo endpoints.
        emulator: URL of the OpsGenie emulator.
        key: the emulator's key.
        token: the service's token.

    Raises:
        DemoError: from every coroutine, if one of the two does not answer or answers with an error.
    """

    def __init__(self, service: str, emulator: str, key: str, token: str) -> None:
        self.rows: list[TimelineEntry] = []
        self.healthy_calls = 0
        """Number of successful calls when the breaker was last seen closed."""
        self._service = httpx.AsyncClient(
            base_url=service,
            timeout=_TIMEOUT,
            headers={"Authorization": f"Bearer {token}"},
            limits=httpx.Limits(max_connections=_CONNECTIONS),
        )
        self._emulator = httpx.AsyncClient(
            base_url=emulator, timeout=_TIMEOUT, headers={"Authorization": f"GenieKey {key}"}
        )
        self._open = contextlib.AsyncExitStack()
        self._states: list[str] = []
        self._behaviour = (0, 0.0)
        self._alert_values: set[str] = set()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._service)
        await self._open.enter_async_context(self._emulator)
        events = self._service.stream("GET", "/events", timeout=None)
        with _wrap_http_errors():
            response = (await self._open.enter_async_context(events)).raise_for_status()
        task = asyncio.create_task(self._follow(response))
        self._open.push_async_callback(_cancelled, task)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    def entered(self, state: str) -> bool:
        """Return True if the breaker has been in that state."""
        return state in self._states

    @property
    def recovered(self) -> bool:
        """True if the breaker was open and is closed."""
        return self.entered("OPEN") and self._states[-1] == "CLOSED"

    def alert_showed(self, what: str) -> bool:
        """Return True if the emulator showed the alert with that priority or status."""
        return what in self._alert_values

    async def send_request(self) -> None:
        """Call the protected endpoint as a user does; the call may be rejected."""
        with contextlib.suppress(httpx.HTTPError):
            await self._service.get("/test")

    async def set_delay(self, milliseconds: int, failure_rate: float = 0.0) -> None:
        """Set the delay of the protected endpoint, and the share of its calls that fail."""
        body = {"delay": f"{milliseconds}ms", "failure_rate": failure_rate}
        with _wrap_http_errors():
            response = await self._service.post("/set_delay", json=body)
            delay = response.raise_for_status().json()["delay_ms"]
        if (delay, failure_rate) != self._behaviour:
            self._behaviour = delay, failure_rate
            fails = f", {failure_rate:.0%} of the calls fail" if failure_rate else ""
            text = f"the protected endpoint now takes {delay} ms{fails}"
            self._record(time.time(), text, _ADMIN)

    async def read(self, path: str) -> dict[str, Any]:
        """Return what the service answers to a GET."""
        return await _get_json(self._service, path)

    async def poll(self) -> None:
        """Read the emulator's alerts, as on-call would, and the service's status."""
        for alert in (await _get_json(self._emulator, "/v2/alerts"))["data"]:
            self._on_alert(alert)
        status = await _get_json(self._service, "/breaker/status")
        if status["state"] == "CLOSED":
            self.healthy_calls = status["calls"]["success"]

    async def count_calls(self) -> None:
        """Record the number of calls by outcome."""
        status = await _get_json(self._service, "/breaker/status")
        counts = "{success} calls succeeded, {error} failed, {rejected} were rejected"
        self._record(time.time(), counts.format(**status["calls"]), _ADMIN)

    def _on_alert(self, alert: dict[str, Any]) -> None:
        updated = _timestamp(alert["updatedAt"])
        if not self._alert_values:
            text = f"alert {alert['priority']}: {alert['message']}"
            self._record(_timestamp(alert["createdAt"]), text, _EMULATOR)
        elif alert["priority"] not in self._alert_values:
            self._record(updated, f"alert raised to {alert['priority']}", _EMULATOR)
        if alert["status"] == "closed" and "closed" not in self._alert_values:
            self._record(updated, "alert closed", _EMULATOR)
        self._alert_values |= {alert["priority"], alert["status"]}

    async def _follow(self, response: httpx.Response) -> None:
        with contextlib.suppress(
            httpx.HTTPError
        ):  # the next request reports that the service is gone
            async for line in response.aiter_lines():
                if line.startswith("data:"):
                    self._on_event(json.loads(line.removeprefix("data:")))

    def _on_event(self, event: dict[str, Any]) -> None:
        if event["type"] == "Transition":
            self._states.append(event["to_state"])
            why = "; ".join(evidence["sentence"] for evidence in event["evidence"])
            text = f"{event['from_state']} → {event['to_state']}: {why or event['reason']}"
            self._record(event["at"], text, _ADMIN)
        elif event["type"] == "RecoveryStep":
            self._record(event["at"], f"admits {event['share']:.0%} of the calls", _ADMIN)

    def _record(self, at: float, what: str, source: str) -> None:
        self.rows.append(TimelineEntry(at, what, source))


async def _get_json(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    with _wrap_http_errors():
        answer: dict[str, Any] = (await client.get(path)).raise_for_status().json()
        return answer


@contextlib.contextmanager
def _wrap_http_errors() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise DemoError(f"{error.request.url}: {error!r}") from error


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _timestamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
