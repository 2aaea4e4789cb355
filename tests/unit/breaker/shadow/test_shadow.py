"""What a candidate makes of the calls of a breaker, and what is counted of it."""

from __future__ import annotations

import pytest

from breakerd import Breaker, LimiterSettings, RecoverySettings, Settings, Slo
from breakerd.breaker.events.events import CandidateTransition, Transition
from breakerd.breaker.settings import CandidateSettings, LoadSettings
from breakerd.breaker.shadow.shadow import Shadow
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call

BASE = Settings(
    latency_threshold=1000,
    minimum_calls=4,
    latency_window_size=8,
    wait_time=5,
    recovery=RecoverySettings(probes=1, ramp=()),
)


class Host:
    """A breaker with a candidate, on a driven clock."""

    def __init__(self, candidate: CandidateSettings | None, base: Settings = BASE) -> None:
        self.clock = ManualClock()
        self.memory = 0.1
        self.log = EventLog()
        self.breaker = Breaker(
            base.model_copy(update={"candidate": candidate}),
            name="payments",
            clock=self.clock,
            memory=lambda: self.memory,
        )
        self.breaker.subscribe(self.log)

    @property
    def shadow(self) -> Shadow:
        found = self.breaker._core.recorder.shadow
        assert found is not None
        return found

    def calls(self, milliseconds: float, count: int, *, error: bool = False) -> None:
        for _ in range(count):
            simulate_call(self.breaker, self.clock, milliseconds, error=error)


def test_without_a_candidate_there_is_no_shadow() -> None:
    host = Host(None)
    assert host.breaker._core.recorder.shadow is None
    assert host.breaker.shadow() is None
    assert host.breaker.status()["shadow"] is None


def test_a_stricter_candidate_trips_and_rejects_nothing() -> None:
    host = Host(CandidateSettings(latency_threshold=200))
    host.calls(10, 4)
    host.calls(400, 10)
    assert host.breaker.state == "CLOSED"
    figures = host.shadow.figures
    assert figures.calls == 14
    assert (figures.trips, figures.active_trips) == (1, 0)
    # The first four slow calls made it trip; those in flight at that time are not rejected.
    assert figures.rejected_good == figures.rejected > 0
    assert figures.rejected_slow == figures.rejected_failed == figures.unseen == 0
    assert host.log.of(Transition) == []
    (opened,) = host.log.of(CandidateTransition)
    assert (opened.breaker, opened.from_state, opened.to_state) == ("payments", "CLOSED", "OPEN")
    (trip,) = figures.latest
    assert (trip.side, trip.reason, trip.blind, trip.earlier_by) == (
        "candidate",
        "latency",
        False,
        None,
    )
    assert trip.evidence[0].startswith("p95 400 ms")


def test_what_a_candidate_would_reject_is_judged_by_the_limits_in_force() -> None:
    host = Host(CandidateSettings(latency_threshold=200, wait_time=600), BASE)
    host.calls(400, 4)
    assert host.shadow.engine.machine.decided == "OPEN"
    before = host.shadow.figures.copy()
    host.calls(400, 3)
    host.calls(10, 1, error=True)
    figures = host.shadow.figures
    assert figures.rejected_good - before.rejected_good == 3
    assert figures.rejected_failed - before.rejected_failed == 1
    host.calls(1500, 1)
    assert figures.rejected_slow == 1
    assert figures.false_rejections == figures.rejected_good / figures.calls


def test_calls_that_are_rejected_are_unseen_and_trips_meanwhile_are_marked() -> None:
    host = Host(CandidateSettings(latency_threshold=5000, memory_threshold=90))
    host.calls(1500, 4)
    assert host.breaker.state == "OPEN"
    assert host.shadow.engine.machine.decided == "CLOSED"
    for _ in range(7):
        assert not host.breaker.allow()
    host.memory = 0.95
    host.clock.advance(1)
    host.breaker.tick()
    figures = host.shadow.figures
    assert figures.unseen == 7
    assert (figures.active_trips, figures.trips) == (1, 1)
    active, candidate = figures.latest
    assert (active.side, active.blind) == ("active", False)
    assert (candidate.side, candidate.reason, candidate.blind) == ("candidate", "memory", True)
    assert candidate.detected_after is None, "no call has shown it"


def test_time_to_detect_and_the_lead_over_the_settings_in_force() -> None:
    host = Host(CandidateSettings(latency_threshold=200, wait_time=600))
    host.calls(10, 4)
    began = host.clock()
    host.calls(400, 4)
    opened = host.log.of(CandidateTransition)[0].monotonic
    host.calls(1500, 8)
    tripped = host.log.of(Transition)[0].monotonic
    first, second = host.shadow.figures.latest
    assert first.detected_after == pytest.approx(opened - began)
    assert second.earlier_by == pytest.approx(tripped - opened)
    assert host.shadow.figures.earlier_by == second.earlier_by
    assert host.shadow.figures.detected_after("candidate") == first.detected_after


def test_a_later_candidate_has_a_negative_lead() -> None:
    host = Host(CandidateSettings(minimum_calls=6, wait_time=600), BASE)
    starts = [host.clock() for _ in range(8) if host.breaker.allow()]
    host.clock.advance(1.5)
    for start in starts:
        host.breaker.done(start, host.clock())
        host.clock.advance(0.1)
    active, candidate = host.shadow.figures.latest
    assert (active.side, candidate.side) == ("active", "candidate")
    assert candidate.earlier_by is not None
    assert candidate.earlier_by < 0
    assert candidate.blind


def test_a_batch_is_taken_in_as_one_where_nothing_in_it_decides() -> None:
    host = Host(CandidateSettings(latency_threshold=200, latency_window_size=64))
    shadow = host.shadow
    traffic = host.breaker._core.recorder.traffic
    host.clock.advance(1)
    shadow.take(host.clock(), [0.01] * 40, traffic)
    assert len(shadow.engine.window) == 40
    assert shadow.figures.calls == 40
    # Among good calls, those that are slow for the candidate are judged one by one.
    shadow.take(host.clock(), [0.01, 0.3, 0.3, 0.01], traffic)
    assert shadow.engine.window.slow_count == 2
    assert shadow.engine.machine.decided == "CLOSED"
    shadow.take(host.clock(), [0.3] * 60, traffic)
    assert shadow.engine.machine.decided == "OPEN"
    assert shadow.figures.trips == 1


def test_a_batch_at_an_open_candidate_is_rejected_but_for_what_began_before() -> None:
    host = Host(CandidateSettings(latency_threshold=200, wait_time=600))
    shadow = host.shadow
    traffic = host.breaker._core.recorder.traffic
    host.clock.advance(1)
    shadow.take(host.clock(), [0.3] * 8, traffic)
    assert shadow.engine.machine.decided == "OPEN"
    host.clock.advance(0.5)
    shadow.take(host.clock(), [0.1] * 30 + [0.7] * 5, traffic)
    assert shadow.figures.rejected_good == 30


def test_a_candidate_recovers_by_the_calls_that_pass() -> None:
    host = Host(
        CandidateSettings(
            latency_threshold=200, wait_time=2, recovery=RecoverySettings(probes=1, ramp=(0.5,))
        )
    )
    host.calls(400, 6)
    assert host.shadow.engine.machine.decided == "OPEN"
    for _ in range(60):
        host.clock.advance(0.2)
        host.breaker.tick()
        host.calls(10, 3)
    assert [each.to_state for each in host.log.of(CandidateTransition)] == [
        "OPEN",
        "HALF_OPEN",
        "CLOSED",
    ]


def test_a_half_open_candidate_that_waits_for_probes_takes_batches_cheaply() -> None:
    host = Host(CandidateSettings(latency_threshold=200, wait_time=1))
    shadow = host.shadow
    traffic = host.breaker._core.recorder.traffic
    host.clock.advance(1)
    shadow.take(host.clock(), [0.3] * 8, traffic)
    for _ in range(30):
        host.clock.advance(0.5)
        host.breaker.tick()
        shadow.take(host.clock(), [0.3] * 50, traffic)
    assert shadow.figures.calls == 8 + 30 * 50
    assert shadow.figures.rejected_good > 0.9 * 30 * 50
    assert shadow.engine.machine.decided in {"OPEN", "HALF_OPEN"}


def test_the_share_that_a_limit_would_reject_is_estimated() -> None:
    limiter = LimiterSettings(enabled=True, max_limit=10)
    host = Host(CandidateSettings(limiter=limiter))
    shadow = host.shadow
    for _ in range(20):
        assert host.breaker.allow()
    traffic = host.breaker._core.recorder.traffic
    assert traffic.in_flight == 20
    shadow.take(host.clock(), [0.001] * 100, traffic)
    assert shadow.figures.rejected_good == 50


def test_a_service_level_of_the_candidate_counts_what_is_late_for_it() -> None:
    host = Host(CandidateSettings(slo=Slo(success_rate=0.9, timeout=0.2, warmup=0)), BASE)
    host.calls(10, 20)
    for _ in range(20):
        host.calls(400, 2)
        host.breaker.tick()
    shadow = host.shadow
    assert shadow.interval is not None
    assert shadow.figures.trips >= 1
    assert host.breaker.state == "CLOSED"


def test_an_abandoned_call_counts_once_it_was_slow() -> None:
    host = Host(CandidateSettings(slo=Slo(success_rate=0.9, timeout=0.2, warmup=0)))
    for milliseconds in (50, 300, 1500):
        assert host.breaker.allow()
        start = host.clock()
        host.clock.advance(milliseconds / 1000)
        host.breaker.abandon(start)
    host.breaker.tick()
    assert host.shadow.figures.calls == 1, "by the settings in force"


def test_a_reset_begins_afresh_and_a_drill_leaves_the_candidate_alone() -> None:
    host = Host(CandidateSettings(latency_threshold=200))
    host.calls(400, 6)
    assert host.shadow.engine.machine.decided == "OPEN"
    host.breaker.reset()
    assert host.shadow.engine.machine.decided == "CLOSED"
    assert len(host.shadow.engine.window) == 0
    host.breaker.drills.latency()
    assert host.breaker.state == "OPEN"
    assert host.shadow.engine.machine.decided == "CLOSED"
    assert host.shadow.figures.active_trips == 0
    host.breaker.reset()
    host.breaker.force_open()
    before = host.shadow.engine.would_reject
    assert not host.breaker.allow()
    assert host.shadow.engine.would_reject == before, "it was not asked"


def test_the_same_candidate_goes_on_and_another_begins_anew() -> None:
    host = Host(CandidateSettings(latency_threshold=200))
    host.calls(10, 5)
    before = host.shadow
    host.breaker.apply(host.breaker.settings.model_copy())
    assert host.shadow is before
    changed = {"candidate": CandidateSettings(latency_threshold=300)}
    host.breaker.apply(host.breaker.settings.model_copy(update=changed))
    assert host.shadow is not before
    assert host.shadow.figures.calls == 0
    assert len(host.shadow.engine.window) == 5, "it begins with the calls of the window"
    host.breaker.apply(host.breaker.settings.without_candidate())
    assert host.breaker._core.recorder.shadow is None


def test_a_restored_breaker_has_a_candidate_in_the_same_state() -> None:
    host = Host(CandidateSettings())
    host.calls(400, 6)
    other = Host(CandidateSettings())
    other.breaker.restore(host.breaker.snapshot())
    assert len(other.shadow.engine.window) == 6


def test_the_load_is_read_for_a_candidate() -> None:
    host = Host(CandidateSettings(load=LoadSettings(load_threshold=2.0)))
    assert host.shadow.watches_load
    assert host.breaker._core.upkeep.watches_load


def test_a_pause_of_the_process_is_none_of_the_calls() -> None:
    host = Host(CandidateSettings())
    host.clock.advance(5)
    host.shadow.end_pause(host.clock())
    assert host.shadow.engine.machine.generation_started_at == host.clock()


def test_a_forked_child_counts_its_own_calls() -> None:
    host = Host(CandidateSettings(latency_threshold=200))
    host.calls(10, 5)
    host.shadow.after_fork(interrupted=True)
    assert host.shadow.figures.calls == 0
    assert len(host.shadow.engine.window) == 0
    assert host.shadow.beside is None
