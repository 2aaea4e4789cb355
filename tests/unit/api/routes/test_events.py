"""GET /events: server-sent events as they happen."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

import httpx
from fastapi import FastAPI

from breakerd import Breaker, Registry, State
from breakerd.api.http.admin import AdminContext


class Follower:
    """Follows GET /events of an application in the same event loop."""

    def __init__(self, app: FastAPI, path: str = "/events", **headers: str) -> None:
        self._app = app
        self._headers = [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ]
        self._path = path
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._read: list[str] = []
        """Return what arrived in one piece with the requested data."""
        self._gone = asyncio.Event()

    async def __aenter__(self) -> Self:
        scope = {
            "type": "http",
            "method": "GET",
            "path": self._path.partition("?")[0],
            "query_string": self._path.partition("?")[2].encode(),
            "headers": [(b"host", b"localhost"), *self._headers],
            "client": ("127.0.0.1", 5),
            "scheme": "http",
            "server": ("localhost", 80),
        }
        self._task = asyncio.create_task(self._app(scope, self._receive, self._send))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gone.set()
        await self._task

    async def ended(self) -> None:
        await self._task

    async def status(self) -> int:
        start = await self.sent.get()
        status: int = start["status"]
        return status

    async def line(self) -> str:
        if not self._read:
            message = await self.sent.get()
            body: bytes = message["body"]
            self._read = body.decode().removesuffix("\n\n").split("\n\n")
        return self._read.pop(0)

    async def event(self) -> dict[str, Any]:
        while (line := await self.line()).startswith(":"):
            pass  # a keep-alive, where the machine is busy for longer than its interval
        event: dict[str, Any] = json.loads(line.removeprefix("data: "))
        return event

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.sent.put(message)


async def test_events_come_as_they_happen(app: FastAPI, registry: Registry) -> None:
    async with Follower(app) as follower:
        assert await follower.status() == 200
        assert (await follower.line()).startswith(": listening")
        registry.get("payments").trip("why not")
        event = await follower.event()
        assert (event["type"], event["breaker"]) == ("Transition", "payments")
        assert (event["from_state"], event["to_state"]) == ("CLOSED", "OPEN")
        assert (event["reason"], event["note"]) == ("manual", "why not")
        await asyncio.to_thread(registry.get().drills.latency)
        breached = await follower.event()
        assert breached["type"] == "ThresholdBreached"
        assert breached["drill"] is True
        assert "p95 600 ms" in breached["evidence"]["sentence"]
        tripped = await follower.event()
        assert tripped["evidence"][0]["signal"] == "latency"
        registry.change("payments", {"wait_time": 5})
        assert (await follower.event())["changed"] == {"wait_time": [10, 5]}


async def test_one_breaker_can_be_followed(app: FastAPI, registry: Registry) -> None:
    async with Follower(app, "/events?breaker=default") as follower:
        await follower.status()
        await follower.line()
        registry.get("payments").trip()
        registry.get().trip()
        assert (await follower.event())["breaker"] == "default"


async def test_a_slow_follower_is_told_what_it_missed(app: FastAPI, registry: Registry) -> None:
    admin: AdminContext = app.state.admin
    admin.settings = admin.settings.model_copy(update={"event_buffer": 2})
    breaker: Breaker = registry.get()
    async with Follower(app) as follower:
        await follower.status()
        await follower.line()
        for _ in range(3):  # without a pause, so that nobody can read meanwhile
            breaker.force_open()
            breaker.enable()
        missed = await follower.event()
        assert (missed["type"], missed["count"]) == ("EventsMissed", 4)
        assert (await follower.event())["to_state"] == State.FORCED_OPEN


async def test_followers_are_bounded_and_their_places_come_back(app: FastAPI) -> None:
    admin: AdminContext = app.state.admin
    admin.settings = admin.settings.model_copy(update={"event_streams": 1})
    async with Follower(app) as first:
        assert await first.status() == 200
        async with Follower(app) as second:
            assert await second.status() == 503
    async with Follower(app) as third:
        assert await third.status() == 200


async def test_streams_end_when_the_service_stops(app: FastAPI) -> None:
    admin: AdminContext = app.state.admin
    async with Follower(app) as follower:
        assert await follower.status() == 200
        await follower.line()
        await admin.feed.close()
        await asyncio.wait_for(follower.ended(), 5)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        refused = await client.get("/events")
    assert refused.status_code == 503
    assert "stopping" in refused.json()["detail"]
    assert refused.headers["retry-after"] == "5"
