from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from breakerd import Breaker, Reason, Registry, SettingsChanged, State, Transition
from breakerd.api.http import event_feed as stream
from breakerd.api.http.event_feed import EventFeed, Subscriber
from breakerd.breaker.events.events import Event


def listeners(breaker: Breaker) -> int:
    return len(breaker._core.listeners._listeners)


def emit(breaker: Breaker, event: Event) -> None:
    breaker._core.listeners.emit(event)
    breaker._core.listeners.deliver()


def transition(**values: Any) -> Transition:
    states = {"from_state": State.CLOSED, "to_state": State.OPEN, "reason": Reason.MANUAL}
    return Transition(breaker="default", at=1.0, monotonic=2.0, **(states | values))


def events(chunk: bytes) -> list[dict[str, Any]]:
    return [json.loads(part.removeprefix(b"data: ")) for part in chunk.split(b"\n\n") if part]


async def begun(reader: Subscriber) -> AsyncIterator[bytes]:
    """What comes after the greeting."""
    chunks = reader.chunks()
    assert (await anext(chunks)).startswith(b": listening")
    return chunks


async def test_all_readers_share_one_subscription(registry: Registry) -> None:
    breaker = registry.get()
    before = listeners(breaker)
    feed = EventFeed(registry)
    async with AsyncExitStack() as stack:
        readers = [
            await stack.enter_async_context(feed.subscribe(limit=3, buffer=10)) for _ in range(3)
        ]
        assert listeners(breaker) == before + 1
        streams = [await begun(reader) for reader in readers]
        breaker.trip()
        pieces = [await anext(chunks) for chunks in streams]
        assert pieces[0] == pieces[1] == pieces[2]
        assert events(pieces[0])[0]["to_state"] == "OPEN"
    assert listeners(breaker) == before
    async with feed.subscribe(limit=1, buffer=10) as reader:
        chunks = await begun(reader)
        breaker.reset()
        assert events(await anext(chunks))[0]["to_state"] == "CLOSED"


async def test_what_waits_is_sent_in_one_piece(registry: Registry) -> None:
    async with EventFeed(registry).subscribe(limit=1, buffer=1000) as reader:
        chunks = await begun(reader)
        for _ in range(stream._MAX_BATCH):
            registry.get().force_open()
            registry.get().reset()
        for _ in range(2):
            assert len(events(await anext(chunks))) == stream._MAX_BATCH


async def test_a_slow_reader_holds_up_nobody_and_is_told(registry: Registry) -> None:
    feed = EventFeed(registry)
    async with (
        feed.subscribe(limit=2, buffer=2) as slow,
        feed.subscribe(limit=2, buffer=9) as quick,
    ):
        read = await begun(quick)
        for state in ("OPEN", "CLOSED", "OPEN", "CLOSED", "OPEN"):
            registry.get().trip() if state == "OPEN" else registry.get().reset()
            assert [event["to_state"] for event in events(await anext(read))] == [state]
        missed, *rest = events(await anext(await begun(slow)))
        assert (missed["type"], missed["count"]) == ("EventsMissed", 3)
        assert [event["to_state"] for event in rest] == ["CLOSED", "OPEN"]


async def test_an_event_that_cannot_be_written_down_does_not_silence_the_next(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    async with EventFeed(registry).subscribe(limit=1, buffer=10) as reader:
        chunks = await begun(reader)
        changed = {"wait_time": (object(), object())}
        emit(registry.get(), SettingsChanged(breaker="default", at=0, monotonic=0, changed=changed))
        registry.get().trip()
        assert [event["type"] for event in events(await anext(chunks))] == ["Transition"]
    assert "event not sent" in caplog.text


async def test_a_number_that_json_lacks_is_null(registry: Registry) -> None:
    async with EventFeed(registry).subscribe(limit=1, buffer=10) as reader:
        chunks = await begun(reader)
        emit(registry.get(), transition(retry_in=math.inf))
        assert events(await anext(chunks))[0]["retry_in"] is None


async def test_a_quiet_stream_shows_that_it_lives(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "KEEPALIVE_AFTER", 0.001)
    async with EventFeed(registry).subscribe(limit=1, buffer=10) as reader:
        chunks = await begun(reader)
        assert await anext(chunks) == await anext(chunks) == b": ping\n\n"
        registry.get().trip()
        async with asyncio.timeout(30):
            while not (chunk := await anext(chunks)).startswith(b"data: "):
                pass
        assert events(chunk)[0]["to_state"] == "OPEN"
