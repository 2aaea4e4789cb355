from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable

import pytest

from breakerd import Breaker, Event, EventsMissed, Transition

MakeBreaker = Callable[..., Breaker]


def test_events_arrive_in_order_from_any_thread(make: MakeBreaker) -> None:
    breaker = make()

    async def main() -> list[Event]:
        stream = breaker.events()
        threading.Thread(target=breaker.trip).start()
        first = await anext(stream)
        await asyncio.to_thread(breaker.reset)
        second = await anext(stream)
        await stream.aclose()
        return [first, second, *[event async for event in stream]]

    events = asyncio.run(main())
    assert [e.to_state for e in events if isinstance(e, Transition)] == ["OPEN", "CLOSED"]
    assert len(events) == 2


def test_a_slow_reader_is_told_what_it_missed(make: MakeBreaker) -> None:
    breaker = make()

    async def main() -> list[Event]:
        stream = breaker.events(maxsize=3)
        for _ in range(5):
            breaker.trip()
            breaker.reset()
        await stream.aclose()
        return [event async for event in stream]

    missed, *kept = asyncio.run(main())
    assert isinstance(missed, EventsMissed)
    assert (missed.count, missed.breaker) == (7, "default")
    assert [e.to_state for e in kept if isinstance(e, Transition)] == ["CLOSED", "OPEN", "CLOSED"]


def test_a_forgotten_stream_is_not_fed(make: MakeBreaker) -> None:
    breaker = make()

    async def main() -> None:
        stream = breaker.events()
        del stream
        gc.collect()

    asyncio.run(main())
    breaker.trip()
    assert len(breaker._core.listeners._listeners) == 1, "the test's own log"


def test_a_closed_loop_ends_the_subscription(make: MakeBreaker) -> None:
    breaker = make()

    async def main() -> object:
        return breaker.events()

    stream = asyncio.run(main())
    breaker.trip()
    assert len(breaker._core.listeners._listeners) == 1
    del stream


def test_a_stream_holds_something(make: MakeBreaker) -> None:
    async def main() -> None:
        make().events(maxsize=0)

    with pytest.raises(ValueError, match="at least 1"):
        asyncio.run(main())
