"""Counts stay exact and states legal under threads that are switched as often as can be.

Each stress runs on the breaker as it is, and on one with the locks that it takes where there is no
GIL. Whether it would find a race at all, careless breakers show.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import pytest

from breakerd import (
    Breaker,
    Counters,
    LimiterSettings,
    Settings,
    State,
    Transition,
)
from breakerd.breaker.testing import EventLog, ManualClock
from tests.support.locked_breaker import Locked

THREADS = 8
CALLS = 130_000
"""Of each thread on the hot path: over a million together."""
MIXED_CALLS = 15_000
"""The same where much else happens."""
LONG_CALLS = 500
"""The same where calls take time."""
WORK = bytes(50_000)
"""Hashing it takes some 50 µs, during which other threads run."""
CAP = 3
"""Calls at once, where there is a limit."""
TRIES = 50
"""How often a careless breaker is tried, at most, until it shows."""

LEGAL = {
    (State.CLOSED, State.OPEN),
    (State.OPEN, State.HALF_OPEN),
    (State.OPEN, State.CLOSED),
    (State.HALF_OPEN, State.OPEN),
    (State.HALF_OPEN, State.CLOSED),
}


@pytest.fixture(autouse=True)
def eager_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(params=[Breaker, Locked])
def kind(request: pytest.FixtureRequest) -> type[Breaker]:
    chosen: type[Breaker] = request.param
    return chosen


# --- the stresses


def count_on_the_hot_path(breaker: Breaker, calls: int) -> None:
    """Calls that go well, and nothing else."""

    def work(_: int) -> None:
        allow, clock, done = breaker.allow, breaker.clock, breaker.done
        for _ in range(calls):
            assert allow()
            start = clock()
            done(start, clock())

    run_in_threads(work)
    must_have_counted(breaker, Counter(success=THREADS * calls))
    assert breaker.status()["window_calls"] == min(64, THREADS * calls)


def count_in_guards(breaker: Breaker, calls: int) -> None:
    """Calls that go well, each in a guard; a tenth of them holds another one."""

    def work(_: int) -> None:
        for turn in range(calls):
            with breaker.guard():
                following(turn)
                if turn % 10 == 0:
                    with breaker.guard():
                        following(turn)

    run_in_threads(work)
    must_have_counted(breaker, Counter(success=THREADS * (calls + calls // 10)))


def count_while_everything_happens(breaker: Breaker, calls: int) -> EventLog:
    """Calls that end in each way, while it is tripped, reset, asked, and given other settings."""
    log, sums = EventLog(), Counter[str]()
    breaker.subscribe(log)
    adding = threading.Lock()

    def work(number: int) -> None:
        found = Counter[str]()
        for i in range(calls):
            found[one_call(breaker, WAYS[i % len(WAYS)])] += 1
            if i % 100 == 0:
                meddle(breaker, i // 100 + number)
        with adding:
            sums.update(found)

    run_in_threads(work)
    must_have_counted(breaker, sums)
    return log


WAYS = ("error", "success", "success", "error", "abandoned")


def one_call(breaker: Breaker, way: str) -> str:
    """Outcome of a call that ends in that way, by the name that the counters have for it."""
    if not breaker.allow():
        return "rejected"
    start = breaker.clock()
    if way == "abandoned":
        breaker.abandon(start)
    else:
        breaker.done(start, breaker.clock(), error=way == "error")
    return way


def meddle(breaker: Breaker, turn: int) -> None:
    """Each of the things that may happen beside the calls, in turn."""
    if isinstance(breaker.clock, ManualClock):
        breaker.clock.advance(0.4)
    match turn % 7:
        case 0:
            breaker.trip()
        case 1 | 2:
            breaker.apply(settings(latency_window_size=1 + turn % 100))
        case 3:
            assert 0 <= breaker.status()["in_flight"] <= THREADS
        case 4:
            breaker.tick()
        case 5:
            breaker.latencies_above(0)
        case _:
            breaker.reset()


def settings(**others: object) -> Settings:
    """Settings under which only errors trip."""
    limits = {"latency_threshold": 60_000, "error_threshold": 0.5, "wait_time": 1}
    return Settings.model_validate({**limits, **others})


def run_in_threads(work: Callable[[int], None]) -> None:
    """Runs `work` in all threads at once, and raises what it raised."""
    failures: list[BaseException] = []
    together = threading.Barrier(THREADS)

    def run(number: int) -> None:
        together.wait()
        try:
            work(number)
        except BaseException as failure:  # noqa: BLE001 - raised below
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def must_have_counted(breaker: Breaker, calls: Counter[str]) -> None:
    """The counters agree with what the threads counted, and with each other."""
    breaker.tick()  # abandoned calls are not waited for
    found = breaker.counters()
    assert (found.success, found.error, found.abandoned, found.rejected) == (
        calls["success"],
        calls["error"],
        calls["abandoned"],
        calls["rejected"],
    )
    assert found.in_flight == 0
    assert found.duration_buckets[-1][1] == calls["success"] + calls["error"]


# --- what they show


def test_counts_are_exact_on_the_hot_path(kind: type[Breaker]) -> None:
    breaker = kind(Settings(latency_threshold=60_000), memory=lambda: 0.1)
    count_on_the_hot_path(breaker, CALLS)
    breaker.close()


def test_counts_are_exact_in_guards(kind: type[Breaker]) -> None:
    breaker = kind(Settings(latency_threshold=60_000), memory=lambda: 0.1)
    count_in_guards(breaker, CALLS // 5)
    breaker.close()


@pytest.mark.parametrize("make_clock", [lambda: time.monotonic, ManualClock])
def test_counts_are_exact_and_states_legal_while_everything_happens(
    kind: type[Breaker], make_clock: Callable[[], Callable[[], float]]
) -> None:
    breaker = kind(settings(), clock=make_clock(), memory=lambda: 0.1)
    log = count_while_everything_happens(breaker, MIXED_CALLS)
    moves = log.of(Transition)
    assert {(move.from_state, move.to_state) for move in moves} <= LEGAL
    assert moves[0].from_state is State.CLOSED
    for before, after in pairwise(moves):
        assert after.from_state is before.to_state
        assert after.generation == before.generation + 1
    assert moves[-1].to_state is breaker.state
    counted = breaker.counters().transitions
    assert counted == Counter((m.from_state, m.to_state, m.reason) for m in moves)
    breaker.close()


def test_a_driven_breaker_goes_through_all_states_meanwhile() -> None:
    """Else the test above would show less than it says."""
    breaker = Breaker(settings(), clock=ManualClock(), memory=lambda: 0.1)
    log = count_while_everything_happens(breaker, MIXED_CALLS)
    assert {move.to_state for move in log.of(Transition)} == {
        State.CLOSED,
        State.OPEN,
        State.HALF_OPEN,
    }


def most_at_once(breaker: Breaker) -> int:
    """How many calls were ever under way at once, truly. All that is done takes time."""
    crowd: list[int] = []
    found: list[int] = []

    def work(number: int) -> None:
        most = 0
        for i in range(LONG_CALLS):
            if breaker.allow():
                start = breaker.clock()
                crowd.append(number)
                most = max(most, len(crowd))
                sha256(WORK)
                crowd.pop()
                breaker.done(start, breaker.clock())
            else:
                sha256(WORK)
            if i % 50 == 0:
                breaker.apply(settings(limiter=limiter(), latency_window_size=1 + number))
        found.append(most)

    run_in_threads(work)
    return max(found)


def limiter() -> LimiterSettings:
    return LimiterSettings(enabled=True, max_limit=CAP)


def test_never_more_calls_are_under_way_than_the_limit_allows(kind: type[Breaker]) -> None:
    breaker = kind(settings(limiter=limiter()), memory=lambda: 0.1)
    assert most_at_once(breaker) == CAP
    assert breaker.concurrency_limit <= CAP
    found = breaker.counters()
    assert found.success + found.rejected == THREADS * LONG_CALLS
    assert found.in_flight == 0
    breaker.close()


# --- that they would find a race: breakers that are careless


def following(count: int) -> int:
    """In a function, so that the interpreter may switch threads in the middle of what calls it."""
    return count + 1


class Careless(Breaker):
    """Counts what is reported itself, without a lock."""

    reported = 0

    def done(self, start: float, end: float, error: bool = False) -> None:
        super().done(start, end, error)
        self.reported = following(self.reported)

    def counters(self) -> Counters:
        return replace(super().counters(), success=self.reported)


class Lax(Breaker):
    """Looks how many calls are under way, thinks, and lets one more go."""

    under_way = 0
    counting = threading.Lock()

    def apply(self, settings: Settings) -> None:
        """Is left without the limit that a breaker would keep."""

    def allow(self) -> bool:
        if self.under_way >= CAP:
            return False
        sha256(WORK)
        with self.counting:
            self.under_way += 1
        return super().allow()

    def done(self, start: float, end: float, error: bool = False) -> None:
        super().done(start, end, error)
        with self.counting:
            self.under_way -= 1


def test_the_stress_would_find_a_lost_count() -> None:
    for _ in range(TRIES):
        careless = Careless(Settings(latency_threshold=60_000), memory=lambda: 0.1)
        try:
            count_on_the_hot_path(careless, CALLS // 10)
        except AssertionError:
            return
        finally:
            careless.close()
    pytest.fail(f"no count was lost in {TRIES} runs: this stress would not find a race")


def test_the_stress_would_find_one_call_too_many() -> None:
    for _ in range(TRIES):
        lax = Lax(settings(), memory=lambda: 0.1)
        most = most_at_once(lax)
        lax.close()
        if most > CAP:
            return
    pytest.fail(f"the limit held in {TRIES} runs: this stress would not find a race")
