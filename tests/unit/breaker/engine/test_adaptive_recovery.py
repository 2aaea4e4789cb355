"""The way back of a breaker that tunes itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import Breaker, Reason, State, Transition
from breakerd.breaker.testing import EventLog, ManualClock

MakeBreaker = Callable[..., Breaker]

SLO = {"success_rate": 0.95, "timeout": 1.0, "warmup": 0.0}


@pytest.fixture
def down(make: MakeBreaker, clock: ManualClock) -> Breaker:
    """A breaker that has just opened since nothing succeeds."""
    breaker = make(slo=SLO, limiter={"enabled": True})
    serve(breaker, clock, 200)
    while breaker.state is State.CLOSED:
        call(breaker, clock, error=True)
    return breaker


def call(breaker: Breaker, clock: ManualClock, *, error: bool = False) -> bool:
    """One call, 25 ms after the one before; says whether it was let in."""
    clock.advance(0.025)
    if not breaker.allow():
        return False
    breaker.done(clock(), clock() + 0.01 * (not error), error=error)
    return True


def serve(breaker: Breaker, clock: ManualClock, calls: int, *, error: bool = False) -> list[float]:
    """The times at which calls were let in."""
    return [clock() for _ in range(calls) if call(breaker, clock, error=error)]


def test_the_first_probe_is_soon_and_the_others_about_a_second_apart(
    down: Breaker, clock: ManualClock
) -> None:
    opened = clock()
    probes = [at - opened for at in serve(down, clock, 400, error=True)]
    gaps = [b - a for a, b in zip([0.0, *probes], probes, strict=False)]
    assert gaps[0] == pytest.approx(0.25, abs=0.05)
    assert gaps[1] == pytest.approx(0.5, abs=0.05)
    assert all(gap == pytest.approx(1.0, abs=0.05) for gap in gaps[2:])


def test_a_long_outage_is_one_trip(down: Breaker, clock: ManualClock, log: EventLog) -> None:
    serve(down, clock, 2000, error=True)
    assert [event.to_state for event in log.of(Transition)] == [State.OPEN, State.HALF_OPEN]
    recovery = down.status()["recovery"]
    assert recovery is not None
    assert recovery["failed_recoveries"] > 30


def test_a_quiet_service_rejects_some_between_probes(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=SLO, limiter={"enabled": True})
    admitted = []
    for n in range(60):
        clock.advance(5)
        if let := breaker.allow():
            breaker.done(clock(), clock() + 0.01, error=n >= 40)
        admitted.append(let)
    after = admitted[44:]
    assert sum(after) <= len(after) / 3


def test_a_probe_that_goes_well_lets_a_growing_number_in(
    down: Breaker, clock: ManualClock, log: EventLog
) -> None:
    serve(down, clock, 100, error=True)
    serve(down, clock, 400)
    assert down.state is State.CLOSED
    assert log.of(Transition)[-1].reason is Reason.RECOVERED


def test_a_lost_probe_does_not_wedge_it(down: Breaker, clock: ManualClock) -> None:
    clock.advance(0.3)
    for _ in range(8):
        down.allow()  # one of these is the probe, which never reports
    serve(down, clock, 800)
    assert down.state is State.CLOSED


def test_a_probe_that_hangs_is_followed_by_others_but_not_by_many(
    down: Breaker, clock: ManualClock
) -> None:
    out = 0
    for _ in range(400):
        clock.advance(0.025)
        out += down.allow()
    assert out == down.settings.recovery.probes


def test_an_explicit_wait_is_kept(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=SLO, limiter={"enabled": True}, wait_time=30)
    serve(breaker, clock, 200)
    serve(breaker, clock, 400, error=True)
    assert breaker.state is State.OPEN
    assert 15 < breaker.retry_after <= 30


def test_an_operators_trip_keeps_to_the_wait_time(make: MakeBreaker) -> None:
    breaker = make(slo=SLO)
    breaker.trip()
    assert breaker.retry_after == pytest.approx(breaker.settings.wait_time)


def test_without_a_limiter_the_shares_of_the_ramp_count(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(slo=SLO)
    serve(breaker, clock, 200)
    serve(breaker, clock, 100, error=True)
    assert breaker.triggered
    ramped = len(serve(breaker, clock, 100))
    assert 10 < ramped < 90
    serve(breaker, clock, 200)
    assert breaker.state is State.CLOSED


def test_failing_again_at_the_start_opens_again(down: Breaker, clock: ManualClock) -> None:
    while not call(down, clock):
        pass
    serve(down, clock, 30, error=True)
    assert down.triggered


class Memory:
    """Used share of the limit, part of it by calls under way."""

    def __init__(self) -> None:
        self.share = 0.4

    def __call__(self) -> float:
        return self.share


def test_memory_is_a_gate_that_opens_at_once(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    memory = Memory()
    breaker = make(memory, slo=SLO, limiter={"enabled": True})
    serve(breaker, clock, 20)
    memory.share = 0.79
    clock.advance(0.5)
    assert call(breaker, clock)
    memory.share = 0.80
    assert not call(breaker, clock), "not a single call at the threshold"
    assert breaker.state is State.OPEN
    assert not breaker.memory_ok
    memory.share = 0.79
    assert call(breaker, clock), "nor is one turned away below it"
    assert breaker.state is State.HALF_OPEN
    memory.share = 0.81
    assert not call(breaker, clock)
    memory.share = 0.5
    clock.advance(1)
    serve(breaker, clock, 3)
    assert breaker.state is State.CLOSED
    assert [event.reason for event in log.of(Transition)] == [
        Reason.MEMORY,
        Reason.MEMORY_RECOVERED,
        Reason.RECOVERED,
    ]


def test_memory_with_an_explicit_wait_keeps_to_it(make: MakeBreaker, clock: ManualClock) -> None:
    memory = Memory()
    breaker = make(memory, slo=SLO, wait_time=10)
    memory.share = 0.9
    clock.advance(1)
    breaker.tick()
    assert breaker.state is State.OPEN
    memory.share = 0.4
    clock.advance(1)
    breaker.tick()
    assert not breaker.allow()
