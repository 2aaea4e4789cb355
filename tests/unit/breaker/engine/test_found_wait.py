"""The way back of thresholds without a stated wait, and how far a stated one reaches."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import Breaker, RecoverySettings, RecoveryStep, Settings, State, Transition
from breakerd.breaker.testing import EventLog, ManualClock
from tests.support.driven_calls import SLOW, calls

MakeBreaker = Callable[..., Breaker]

LEVEL = {"success_rate": 0.95, "timeout": 1.0, "warmup": 0.0}


def call(breaker: Breaker, clock: ManualClock, *, error: bool = False) -> bool:
    """One call of 5 ms, 20 ms after the one before; says whether it was let in."""
    clock.advance(0.02)
    if not breaker.allow():
        return False
    start = clock()
    clock.advance(0.005)
    breaker.done(start, clock(), error=error)
    return True


def serve(breaker: Breaker, clock: ManualClock, count: int, *, error: bool = False) -> int:
    return sum(call(breaker, clock, error=error) for _ in range(count))


def opened(breaker: Breaker, clock: ManualClock) -> Breaker:
    """Open it by errors."""
    serve(breaker, clock, 64)
    while not breaker.triggered:
        call(breaker, clock, error=True)
    return breaker


@pytest.mark.parametrize("level", [{}, {"slo": LEVEL}])
def test_errors_are_probed_soon_and_an_outage_is_one_trip(
    make: MakeBreaker, clock: ManualClock, log: EventLog, level: dict[str, object]
) -> None:
    breaker = opened(make(error_threshold=0.5, **level), clock)
    assert breaker.retry_after == 0.25
    serve(breaker, clock, 400, error=True)
    assert [change.to_state for change in log.of(Transition)] == [State.OPEN, State.HALF_OPEN]
    begin = clock()
    while breaker.state is not State.CLOSED:
        call(breaker, clock)
    assert clock() - begin < 2


def test_latency_is_probed_soon(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=300)
    calls(breaker, clock, 10, SLOW)
    assert breaker.retry_after == 0.25


def test_the_default_wait_is_the_longest_where_no_call_comes(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = opened(make(error_threshold=0.5), clock)
    clock.advance(9.9)
    assert not breaker.allow(), "too few were rejected to know that anybody calls"
    clock.advance(0.1)
    assert breaker.allow()


def test_memory_and_an_operator_keep_to_the_wait(make: MakeBreaker) -> None:
    short = make(lambda: 0.9)
    short.tick()
    assert short.retry_after == pytest.approx(10)
    by_hand = make()
    by_hand.trip()
    assert by_hand.retry_after == 10


def test_probes_that_failed_are_not_held_against_the_ramp(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = opened(make(error_threshold=0.5), clock)
    serve(breaker, clock, 800, error=True)
    serve(breaker, clock, 200)
    assert breaker.state is State.CLOSED
    assert [step.forward for step in log.of(RecoveryStep)] == [True] * 3


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({"wait_time": 6}, 0.1),
        ({"wait_time": 600}, 1.0),
        ({"wait_time": 6, "recovery": RecoverySettings(step_time=2.0)}, 2.0),
    ],
)
def test_the_ramp_is_in_proportion_to_the_wait_unless_it_is_stated(
    settings: dict[str, object], seconds: float
) -> None:
    assert Settings(**settings).ramp_step_time == pytest.approx(seconds)  # type: ignore[arg-type]


def test_the_ramp_after_a_short_outage_is_short(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = opened(make(error_threshold=0.5), clock)
    begin = clock()
    while breaker.state is not State.CLOSED:
        call(breaker, clock)
    assert clock() - begin < 0.5


def test_relapses_lengthen_the_wait_and_the_last_step_and_begin_with_less(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(error_threshold=0.5)
    waits = []
    for _ in range(5):
        opened(breaker, clock)
        waits.append(log.of(Transition)[-1].retry_in)
        log.clear()
        begin = clock()
        while breaker.state is not State.CLOSED:
            call(breaker, clock)
    assert waits == [0.25, 0.25, 0.25, 0.5, 1]
    shares = [step.share for step in log.of(RecoveryStep)]
    assert shares == [0.025, 0.1, 0.25, 0.5, 0.75]
    assert clock() - begin > 2, "the last step is held sixteen times as long"


def test_a_stated_ramp_keeps_its_shares(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(error_threshold=0.5, recovery={"ramp": (0.3, 0.6)})
    for _ in range(5):
        opened(breaker, clock)
        while breaker.state is not State.CLOSED:
            call(breaker, clock)
    assert {step.share for step in log.of(RecoveryStep)} == {0.3, 0.6}


def test_a_restart_goes_on_probing_soon(make: MakeBreaker, clock: ManualClock) -> None:
    before, after = opened(make(error_threshold=0.5), clock), make(error_threshold=0.5)
    after.restore(before.snapshot())
    assert after.state is State.OPEN
    clock.advance(0.25)
    assert after.allow(), "nobody was rejected by this process yet"
    after.done(clock(), clock(), error=True)
    assert after.state is State.HALF_OPEN
    assert serve(after, clock, 60, error=True) >= 1


def test_a_streak_in_the_ramp_goes_back_one_step(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(slo=LEVEL, recovery={"step_time": 1.0})
    opened(breaker, clock)
    while breaker.status()["recovery"] is None or breaker.status()["recovery"]["share"] != 0.5:  # type: ignore[index]
        call(breaker, clock)
    while log.of(RecoveryStep)[-1].forward:
        call(breaker, clock, error=True)
    assert breaker.state is State.HALF_OPEN
    assert log.of(RecoveryStep)[-1].share == 0.25


def test_a_step_that_becomes_stated_counts_at_once(make: MakeBreaker) -> None:
    """The value is the same as before, but now it is stated."""
    breaker = make(wait_time=6)
    breaker.apply(Settings(wait_time=6, recovery=RecoverySettings(step_time=1.0)))
    assert breaker.settings.ramp_step_time == 1.0
