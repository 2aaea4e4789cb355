"""What the demo sees: the admin plane's events, and the emulator's alerts."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx

_ADMIN: Final = "admin plane"
_EMULATOR: Final = "emulator"


@dataclass(frozen=True)
class Row:
    """One thing that was read back."""

    at: float
    what: str
    source: str


class Watch:
    """Follows the service's events, asks the emulator for its alerts, and keeps what is new."""

    def __init__(self, service: str, emulator: str, key: str) -> None:
        self.rows: list[Row] = []
        self.good_calls = 0
        self._service = httpx.AsyncClient(
            base_url=service, timeout=10, limits=httpx.Limits(max_connections=200)
        )
        self._emulator = httpx.AsyncClient(
            base_url=emulator, timeout=10, headers={"Authorization": f"GenieKey {key}"}
        )
        self._states: list[str] = []
        self._delay = 0
        self._seen_of_alert: set[str] = set()
        self._events: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        following = asyncio.Event()
        self._events = asyncio.create_task(self._follow(following))
        await following.wait()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._events is not None:
            self._events.cancel()
            with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
                await self._events
        await self._service.aclose()
        await self._emulator.aclose()

    # --- what was seen

    def was(self, state: str) -> bool:
        """Whether the breaker has been in that state."""
        return state in self._states

    @property
    def recovered(self) -> bool:
        """Whether it was open, and is closed."""
        return self.was("OPEN") and self._states[-1] == "CLOSED"

    def told(self, what: str) -> bool:
        """Whether the emulator showed that priority, or the alert closed."""
        return what in self._seen_of_alert

    # --- what is done

    async def call(self) -> None:
        """One call of the protected endpoint, as a user makes it."""
        with contextlib.suppress(httpx.HTTPError):
            response = await self._service.get("/test")
            self.good_calls += response.is_success

    async def set_delay(self, milliseconds: int) -> None:
        """Makes the protected endpoint take that long."""
        response = await self._service.post("/set_delay", json={"delay": f"{milliseconds}ms"})
        told = response.raise_for_status().json()["delay_ms"]
        if told != self._delay:
            self._delay = told
            self._note(time.time(), f"the protected endpoint now takes {told} ms", _ADMIN)

    async def look(self) -> None:
        """Asks the emulator for its alerts, as on-call would."""
        response = await self._emulator.get("/v2/alerts")
        for alert in response.raise_for_status().json()["data"]:
            self._compare(alert)

    def _compare(self, alert: dict[str, Any]) -> None:
        updated = _timestamp(alert["updatedAt"])
        if not self._seen_of_alert:
            text = f"alert {alert['priority']}: {alert['message']}"
            self._note(_timestamp(alert["createdAt"]), text, _EMULATOR)
        elif alert["priority"] not in self._seen_of_alert:
            self._note(updated, f"alert raised to {alert['priority']}", _EMULATOR)
        if alert["status"] == "closed" and "closed" not in self._seen_of_alert:
            self._note(updated, "alert closed", _EMULATOR)
        self._seen_of_alert |= {alert["priority"], alert["status"]}

    async def _follow(self, following: asyncio.Event) -> None:
        async with self._service.stream("GET", "/events", timeout=None) as response:
            following.set()
            async for line in response.aiter_lines():
                if line.startswith("data:"):
                    self._take(json.loads(line.removeprefix("data:")))

    def _take(self, event: dict[str, Any]) -> None:
        if event["type"] == "Transition":
            self._states.append(event["to_state"])
            why = "; ".join(evidence["sentence"] for evidence in event["evidence"])
            text = f"{event['from_state']} → {event['to_state']}: {why or event['reason']}"
            self._note(event["at"], text, _ADMIN)
        elif event["type"] == "RecoveryStep":
            self._note(event["at"], f"lets in {event['share']:.0%} of the calls", _ADMIN)

    def _note(self, at: float, what: str, source: str) -> None:
        self.rows.append(Row(at, what, source))


def _timestamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
