from __future__ import annotations

import pytest

from breakerd import Breaker, LimiterSettings, Settings, Slo, State
from breakerd.breaker.engine.recovering.guide import Guide
from breakerd.breaker.engine.recovery import MIN_REJECTIONS_BETWEEN_PROBES
from breakerd.breaker.fleet import guidance
from breakerd.breaker.fleet.guidance import Share
from breakerd.breaker.states import Reason
from breakerd.breaker.testing import ManualClock, simulate_call

ADAPTIVE = Settings(slo=Slo(success_rate=0.95, timeout=2.0), limiter=LimiterSettings(enabled=True))
STATED = Settings(latency_threshold=300, wait_time=30.0)
THIRD = 1 / 3


class Guided:
    """A breaker that follows a fleet."""

    def __init__(self, settings: Settings = ADAPTIVE) -> None:
        self.clock = ManualClock()
        self.breaker = Breaker(settings, clock=self.clock, memory=lambda: 0.1)
        self.core = self.breaker.machinery.core
        self.engine = self.core.engine
        self.guide = Guide()
        with self.core.locked() as now:
            guidance.follow(self.engine, now, self.guide)

    def lend(self, seconds: float = 1.0) -> bool:
        with self.core.locked() as now:
            return guidance.lend_probe(self.engine, now, now + seconds)

    def ramp(self, share: float, doubling: float = 0.0) -> None:
        with self.core.locked() as now:
            guidance.ramp(self.engine, now, Share(share, now, doubling))

    def admitted(self, calls: int, *, error: bool = False) -> int:
        return sum(simulate_call(self.breaker, self.clock, 10, error=error) for _ in range(calls))


def test_no_call_passes_and_no_time_ends_it() -> None:
    guided = Guided()
    assert guided.breaker.state is State.OPEN
    guided.clock.advance(3600)
    assert guided.admitted(50) == 0
    assert guided.breaker.retry_after == 0


def test_one_call_passes_for_each_lease() -> None:
    guided = Guided()
    assert guided.lend()
    assert guided.admitted(20, error=True) == 1
    assert guided.guide.results == [False]
    assert guided.lend()
    assert guided.admitted(20) == 1
    assert guided.guide.results == [False, True]
    assert guided.breaker.state is State.HALF_OPEN, "the fleet decides what follows"


def test_a_lease_that_is_too_late_lets_nothing_pass() -> None:
    guided = Guided()
    guided.lend(seconds=1.0)
    guided.clock.advance(1.0)
    assert guided.admitted(5) == 0
    assert guided.guide.revoke()


def test_a_probe_that_never_reports_is_a_bad_one() -> None:
    guided = Guided()
    guided.lend()
    assert guided.breaker.allow()
    guided.clock.advance(60)
    guided.breaker.tick()
    assert guided.guide.results == [False]


def test_a_share_of_the_calls_passes() -> None:
    guided = Guided()
    guided.ramp(THIRD)
    assert guided.admitted(300) == pytest.approx(100, abs=1)
    guided.ramp(0.9)
    assert guided.admitted(100) == pytest.approx(90, abs=1)


def test_a_share_that_doubles_does_so_between_two_exchanges() -> None:
    guided = Guided()
    guided.ramp(0.25, doubling=0.5)
    guided.clock.advance(1.1)
    assert guided.admitted(20) == 20


def test_the_first_calls_of_many_members_do_not_all_fail_to_pass() -> None:
    firsts = []
    for credit in (0.0, 0.3, 0.6, 0.95):
        guide = Guide(credit)
        guide.set_share(0.1, 0.0, 0.0)
        firsts.append(guide.take_share(0.0))
    assert firsts == [False, False, False, True]


def test_the_end_closes_it() -> None:
    guided = Guided()
    guided.ramp(0.5)
    with guided.core.locked() as now:
        guidance.finish(guided.engine, now)
    assert guided.breaker.state is State.CLOSED
    assert guided.admitted(20) == 20


def test_calls_of_its_own_that_fail_in_the_ramp_make_it_open_alone() -> None:
    guided = Guided()
    guided.ramp(1.0)
    guided.admitted(200, error=True)
    assert guided.engine.machine.recovery.guide is None
    assert guided.breaker.state in {State.OPEN, State.HALF_OPEN}
    for _ in range(200):
        guided.admitted(1)
        guided.clock.advance(0.1)
    assert guided.breaker.state is State.CLOSED, "it recovers by itself"


@pytest.mark.parametrize("settings", [ADAPTIVE, STATED])
@pytest.mark.parametrize("phase", ["wait", "probes", "ramp"])
def test_whoever_is_left_alone_recovers_by_itself(settings: Settings, phase: str) -> None:
    guided = Guided(settings)
    if phase == "probes":
        guided.lend()
        guided.admitted(1, error=True)
    elif phase == "ramp":
        guided.ramp(0.3)
    with guided.core.locked() as now:
        guidance.leave(guided.engine, now)
    for _ in range(1000):
        guided.admitted(1)
        guided.clock.advance(0.1)
    assert guided.breaker.state is State.CLOSED


def test_an_operator_ends_it() -> None:
    guided = Guided()
    guided.breaker.reset()
    assert guided.breaker.state is State.CLOSED
    assert guided.engine.machine.recovery.guide is None
    assert guided.admitted(5) == 5


def test_an_operators_trip_waits_for_the_stated_time() -> None:
    guided = Guided(STATED)
    guided.breaker.trip()
    assert guided.breaker.retry_after == pytest.approx(30.0)


def test_a_process_that_is_restarted_meanwhile_probes_by_itself() -> None:
    guided = Guided()
    snapshot = guided.breaker.snapshot()
    assert snapshot["seconds_left"] == 0
    clock = ManualClock()
    other = Breaker(ADAPTIVE, clock=clock, memory=lambda: 0.1)
    other.restore(snapshot)
    assert other.state is State.OPEN
    for _ in range(200):
        simulate_call(other, clock, 10)
        clock.advance(0.1)
    assert other.state is State.CLOSED


def test_it_says_that_the_fleet_opened_it() -> None:
    assert Guided().engine.transitions.last_trip.reason is Reason.FLEET


def test_many_that_probe_alone_probe_less() -> None:
    counts = []
    for least in (MIN_REJECTIONS_BETWEEN_PROBES, 9):
        guided = Guided()
        guided.engine.machine.recovery.min_rejections = least
        with guided.core.locked() as now:
            guidance.leave(guided.engine, now)
        admitted = 0
        for _ in range(200):
            admitted += guided.admitted(1, error=True)
            guided.clock.advance(1.0)
        counts.append(admitted)
    assert counts == [pytest.approx(200 / 4, abs=2), pytest.approx(200 / 10, abs=2)]
