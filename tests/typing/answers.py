"""Types of the answers and events of a breaker. Checked by mypy, never run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never, assert_type

from breakerd import (
    Breaker,
    Counters,
    Event,
    Evidence,
    HistorySlot,
    Priority,
    Reason,
    Registry,
    Signal,
    State,
    Transition,
    current_deadline,
    current_priority,
    remaining,
)


def questions(breaker: Breaker) -> None:
    assert_type(breaker.state, State)
    assert_type(breaker.triggered, bool)
    assert_type(breaker.enabled, bool)
    assert_type(breaker.latency_ok, bool)
    assert_type(breaker.memory_ok, bool)
    assert_type(breaker.in_flight, int)
    assert_type(breaker.concurrency_limit, float)
    assert_type(breaker.retry_after, float)
    assert_type(breaker.latencies_above(500), list[float])
    assert_type(breaker.counters(), Counters)
    assert_type(breaker.counters().transitions, dict[tuple[str, str, str], int])
    assert_type(breaker.status()["triggered"], bool)
    assert_type(breaker.history(step=60), list[HistorySlot])
    assert_type(breaker.history()[0].durations.percentile(0.95), float | None)
    breaker.state = State.OPEN  # type: ignore[misc]


def commands(breaker: Breaker) -> None:
    assert_type(breaker.trip("a reason", drill=True), None)
    assert_type(breaker.reset(), None)
    assert_type(breaker.force_open("a reason"), None)
    assert_type(breaker.snapshot(), dict[str, Any])
    assert_type(breaker.restore({}), None)


def states(state: State) -> str:
    """A state that is added breaks whoever handles all of them, and this."""
    match state:
        case State.CLOSED | State.WARMING_UP | State.DISABLED | State.OBSERVE:
            return "passes"
        case State.OPEN | State.HALF_OPEN | State.FORCED_OPEN:
            return "rejects"
        case _:
            assert_never(state)


def registry(found: Registry) -> Iterator[Breaker]:
    assert_type(found.get(), Breaker)
    assert_type(found.get("payments"), Breaker)
    assert_type(found.find("payments"), Breaker | None)
    assert_type(found.names(), list[str])
    assert_type(Registry.from_file("breakers.toml"), Registry)
    with found as entered:
        assert_type(entered, Registry)
    for breaker in found:
        assert_type(breaker, Breaker)
        yield breaker


def listeners(breaker: Breaker, found: Registry) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Transition):
            assert_type(event.reason, Reason)
            assert_type(event.to_state, State)
            assert_type(event.evidence, tuple[Evidence, ...])
            event.note = "changed"  # type: ignore[misc]

    unsubscribe = breaker.subscribe(listen)
    assert_type(unsubscribe(), None)
    assert_type(found.subscribe(listen)(), None)
    breaker.subscribe(lambda: None)  # type: ignore[misc, arg-type]


async def events(breaker: Breaker, found: Registry) -> None:
    async for event in breaker.events():
        assert_type(event, Event)
        assert_type(event.breaker, str)
    stream = found.events(maxsize=10)
    assert_type(await anext(stream), Event)
    assert_type(await stream.aclose(), None)


def evidence(seen: Evidence) -> None:
    assert_type(seen.signal, Signal)
    assert_type(seen.value, float)
    assert_type(seen.sentence(), str)


def context() -> None:
    assert_type(remaining(), float | None)
    assert_type(current_deadline(), float | None)
    assert_type(current_priority(), Priority)
