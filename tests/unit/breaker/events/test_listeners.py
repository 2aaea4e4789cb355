from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from breakerd import Breaker, Event, Transition
from breakerd.breaker.testing import EventLog

MakeBreaker = Callable[..., Breaker]


def test_a_failing_listener_harms_nobody(
    make: MakeBreaker, log: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    breaker = make()
    after = EventLog()

    def broken(_: Event) -> None:
        raise RuntimeError("listener's own fault")

    breaker.subscribe(broken)
    breaker.subscribe(after)
    with caplog.at_level(logging.ERROR, "breakerd.breaker.events.listeners"):
        breaker.trip()
    assert "listener failed" in caplog.text
    assert len(log) == len(after) == 1


def test_unsubscribing_twice_is_harmless(make: MakeBreaker) -> None:
    breaker = make()
    second = EventLog()
    leave = breaker.subscribe(second)
    leave()
    leave()
    breaker.trip()
    assert second == []


def test_a_listener_may_act_on_the_breaker(make: MakeBreaker, log: EventLog) -> None:
    breaker = make()

    def reset_at_once(event: Event) -> None:
        if isinstance(event, Transition) and event.to_state == "OPEN":
            breaker.reset()

    breaker.subscribe(reset_at_once)
    breaker.trip()
    assert [t.to_state for t in log.of(Transition)] == ["OPEN", "CLOSED"]


def test_events_keep_their_order_across_threads(make: MakeBreaker) -> None:
    breaker = make()
    entered, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def slow(event: Event) -> None:
        entered.set()
        go_on.wait(10)
        assert isinstance(event, Transition)
        order.append(event.to_state)

    breaker.subscribe(slow)
    thread = threading.Thread(target=breaker.trip)
    thread.start()
    assert entered.wait(10)
    breaker.reset()  # returns although the first event is still being delivered
    go_on.set()
    thread.join(10)
    assert order == ["OPEN", "CLOSED"]
