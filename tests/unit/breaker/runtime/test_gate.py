"""What is noted by the hot path is taken in whole, on the real clock that it is made for."""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakerd import Breaker, Event, LimiterSettings, Settings, State, Transition
from breakerd.breaker.calls.counters import DURATION_BOUNDS
from breakerd.breaker.runtime.ticker import TICKER

SHORT, LONG, SLOW = 0.0001, 0.02, 5.0


@pytest.fixture
def breaker() -> Iterator[Breaker]:
    """Closed, on the real clock, and not ticked: only what the test does lets anything be seen."""
    made = Breaker(Settings(latency_threshold=1000, latency_window_size=8), memory=lambda: 0.1)
    TICKER.discard(made._core)
    yield made
    made.close()


def report(breaker: Breaker, seconds: float, *, error: bool = False) -> None:
    end = breaker.clock()
    breaker.done(end - seconds, end, error=error)


def buckets(durations: list[float]) -> list[int]:
    counts = [0] * (len(DURATION_BOUNDS) + 1)
    for seconds in durations:
        counts[bisect_left(DURATION_BOUNDS, seconds)] += 1
    return [sum(counts[: i + 1]) for i in range(len(counts))]


batches = st.lists(st.lists(st.sampled_from([SHORT, LONG, 0.3, SLOW]), max_size=40), max_size=12)


@given(batches)
def test_every_call_is_in_its_bucket_whenever_one_looks(batches: list[list[float]]) -> None:
    breaker = Breaker(
        Settings(latency_threshold=1000, minimum_calls=10_000, latency_window_size=65_536),
        memory=lambda: 0.1,
    )
    TICKER.discard(breaker._core)
    reported: list[float] = []
    for batch in batches:
        for seconds in batch:
            report(breaker, seconds)
        reported += batch
        counters = breaker.counters()
        assert [count for _, count in counters.duration_buckets] == buckets(reported)
        assert counters.duration_sum == pytest.approx(sum(reported))
        assert counters.success == len(reported)
    assert breaker.latencies_above(0) == pytest.approx([seconds * 1000 for seconds in reported])
    breaker.close()


def test_many_calls_are_counted_whatever_was_prepared(breaker: Breaker) -> None:
    for _ in range(10_000):
        assert breaker.allow()
    assert breaker.in_flight == 10_000
    for _ in range(9_000):
        report(breaker, SHORT)
    assert breaker.in_flight == 1_000
    assert breaker.counters().success == 9_000
    breaker.force_open()
    for _ in range(10_000):
        assert not breaker.allow()
    counters = breaker.counters()
    assert (counters.rejected, counters.in_flight) == (10_000, 1_000)


def test_the_window_holds_the_newest(breaker: Breaker) -> None:
    for milliseconds in range(1, 21):
        report(breaker, milliseconds / 1000)
    assert breaker.latencies_above(0) == pytest.approx([13, 14, 15, 16, 17, 18, 19, 20])


def test_slow_and_failed_calls_are_judged_at_once(breaker: Breaker) -> None:
    for _ in range(10):
        report(breaker, SHORT)
    report(breaker, LONG, error=True)
    assert breaker.status()["error_rate"] == pytest.approx(1 / 8)
    report(breaker, SLOW)
    assert breaker.state is State.OPEN


def test_calls_from_before_the_last_transition_count_in_the_metrics_only(breaker: Breaker) -> None:
    before = breaker.clock()
    breaker.trip()
    breaker.reset()
    breaker.done(before, breaker.clock())
    assert breaker.counters().success == 1
    assert breaker.status()["window_calls"] == 0


@pytest.mark.parametrize("start_after_end", [0.0001, 2.0, math.inf])
def test_an_end_before_the_start_counts_as_no_time(
    breaker: Breaker, start_after_end: float
) -> None:
    report(breaker, LONG)
    breaker.done(breaker.clock() + start_after_end, breaker.clock())
    report(breaker, LONG)
    assert sorted(breaker.latencies_above(-1)) == pytest.approx([0, LONG * 1000, LONG * 1000])
    counters = breaker.counters()
    assert counters.success == 3
    # Of what is noted together, such a call may take its own size off.
    assert counters.duration_sum <= 2 * LONG + 1e-9
    assert counters.duration_sum >= max(0, 2 * LONG - start_after_end) - 1e-9
    Breaker(memory=lambda: 0.1).restore(breaker.snapshot())


def test_one_that_was_given_up_and_reports_takes_nobodys_place(breaker: Breaker) -> None:
    now = [breaker.clock()]
    breaker.clock = breaker._core._clock = breaker._core.readings._clock = lambda: now[0]
    start = now[0]
    assert breaker.allow()
    breaker.tick()
    now[0] += breaker.settings.latency_max_age + 1
    breaker.tick()
    assert breaker.in_flight == 0
    breaker.done(start, now[0])
    assert breaker.in_flight == 0
    assert breaker.allow()
    assert breaker.in_flight == 1


def test_what_ends_amid_the_breakers_own_work_is_taken_in_after_it(breaker: Breaker) -> None:
    """As a generator that the collector closes, which may be whenever something is made."""

    def stream() -> Iterator[None]:
        with breaker.guard():
            yield

    streams = [stream() for _ in range(3)]
    for one in streams:
        next(one)
    failing, closed = streams[:2]
    with breaker._core.lock:
        with pytest.raises(KeyError):
            failing.throw(KeyError)  # type: ignore[attr-defined]
        closed.close()  # type: ignore[attr-defined]
        assert breaker.allow()
        assert breaker._core.engine.window.total == 0, "the work under way is disturbed"
    assert breaker.in_flight == 2
    breaker.tick()
    counters = breaker.counters()
    assert (counters.abandoned, counters.error, counters.in_flight) == (1, 1, 2)


def test_an_abandoned_call_waits_for_no_lock_and_reads_nothing() -> None:
    """A finaliser abandons it amid any work, and so under any lock."""
    readings: list[float] = []

    def memory() -> float:
        readings.append(0.1)
        return 0.1

    breaker = Breaker(Settings(), memory=memory)
    TICKER.discard(breaker._core)
    breaker._core._schedule.next_tick = -math.inf  # a late ticker, for which calls would read
    for _ in range(2):
        assert breaker.allow()
    read = len(readings)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with breaker._core.lock:
            held.set()
            release.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    breaker.abandon(breaker.clock())
    release.set()
    thread.join()
    assert breaker.in_flight == 1
    breaker.abandon(breaker.clock())
    assert len(readings) == read
    counters = breaker.counters()
    assert (counters.abandoned, counters.in_flight) == (2, 0)
    breaker.close()


def test_no_listener_is_called_amid_the_breakers_own_work(breaker: Breaker) -> None:
    heard: list[Event] = []
    breaker.subscribe(heard.append)
    with breaker._core.lock:  # as in a signal handler
        breaker.trip()
        assert not heard
    breaker.tick()
    assert [type(event) for event in heard] == [Transition]


def test_a_finaliser_may_ask_a_breaker_that_rejects(breaker: Breaker) -> None:
    breaker.force_open()
    while breaker._gate.permits:
        assert not breaker.allow()
    before = breaker.counters().rejected
    with breaker._core.lock:
        breaker._gate.refill(False, 0)
        breaker._gate.durations.append(SHORT)
        assert not breaker.allow()
        assert breaker._gate.durations == [SHORT], "the work under way is disturbed"
    assert breaker.counters().rejected == before + 1


@pytest.mark.parametrize(("start", "end"), [(0, math.nan), (math.nan, 0), (0, math.inf)])
def test_times_must_be_finite(breaker: Breaker, start: float, end: float) -> None:
    report(breaker, SHORT)
    with pytest.raises(ValueError, match="finite"):
        breaker.done(start, end)
    assert breaker.counters().success == 1


def test_a_limit_is_never_exceeded_by_what_was_prepared(breaker: Breaker) -> None:
    breaker.apply(
        breaker.settings.model_copy(update={"limiter": LimiterSettings(enabled=True, max_limit=10)})
    )
    assert [breaker.allow() for _ in range(12)] == [True] * 10 + [False] * 2
    for _ in range(4):
        report(breaker, SHORT)
    assert [breaker.allow() for _ in range(6)] == [True] * 4 + [False] * 2
    assert breaker.in_flight == 10


def test_what_is_prepared_again_keeps_within_the_limit(breaker: Breaker) -> None:
    limiter = LimiterSettings(enabled=True, max_limit=10)
    breaker.apply(breaker.settings.model_copy(update={"limiter": limiter}))
    assert all(breaker.allow() for _ in range(10))
    for _ in range(3):
        for _ in range(4):
            report(breaker, SHORT)
        assert [breaker.allow() for _ in range(4)] == [True] * 4
        assert breaker.in_flight == 10
    for _ in range(4):
        report(breaker, SHORT)
    assert [breaker.allow() for _ in range(6)] == [True] * 4 + [False] * 2


def test_a_lower_limit_counts_at_once(breaker: Breaker) -> None:
    def limit(most: int) -> None:
        limiter = LimiterSettings(enabled=True, max_limit=most)
        breaker.apply(breaker.settings.model_copy(update={"limiter": limiter}))

    limit(100)
    assert breaker.allow()
    limit(3)
    assert [breaker.allow() for _ in range(4)] == [True, True, False, False]


@pytest.mark.parametrize(("wait", "passed"), [(10, 60.0), (1, 1.1)])
def test_time_ends_a_wait_though_nothing_ticks(wait: float, passed: float) -> None:
    """As under servers that let no thread of ours run: the rejected calls themselves must look."""
    now = [time.monotonic()]  # a clock never goes back
    breaker = Breaker(Settings(wait_time=wait), memory=lambda: 0.1)
    TICKER.discard(breaker._core)
    breaker.clock = breaker._core._clock = breaker._core.readings._clock = lambda: now[0]
    breaker.trip()
    for _ in range(100):  # more than are prepared at first
        assert not breaker.allow()
    now[0] += passed
    rejected = next(n for n in range(1000) if breaker.allow())
    assert rejected < 200
    assert breaker.counters().rejected == 100 + rejected
    breaker.close()
