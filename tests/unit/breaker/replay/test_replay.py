from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator

import pytest

from breakerd import RecoverySettings, Settings, Slo, State
from breakerd.breaker.errors import TraceError
from breakerd.breaker.replay import CAVEAT, CallRecord, Outcome, Report, Verdicts, recorder, replay
from breakerd.breaker.replay.serialization import as_data
from breakerd.breaker.settings import LimiterSettings
from tests.support.traces import steady, with_bad_time

ORIGIN = 1.7e9
QUICK = Settings(latency_threshold=400, wait_time=2, recovery=RecoverySettings(ramp=()))


def outcome_of(trace: Iterator[CallRecord] | list[CallRecord], settings: Settings) -> Outcome:
    (outcome,) = replay(trace, settings).outcomes
    return outcome


def regular(
    calls: int, *, every: float = 0.1, begin: float = 0.0, duration: float = 0.05
) -> list[CallRecord]:
    return [CallRecord(begin + number * every, duration) for number in range(calls)]


def test_a_healthy_trace_trips_nothing() -> None:
    report = replay(steady(300), QUICK)
    (outcome,) = report.outcomes
    assert outcome.trip_count == 0
    assert outcome.trips == ()
    assert outcome.rejected == Verdicts()
    assert outcome.admitted == Verdicts(good=report.calls)
    assert outcome.seconds == {State.CLOSED: pytest.approx(report.seconds)}
    assert outcome.median_time_to_detect is None


def test_a_bad_time_trips_and_is_told_with_its_evidence() -> None:
    outcome = outcome_of(with_bad_time(), QUICK)
    (trip,) = outcome.trips
    assert trip.reason == "latency"
    assert "p95 " in trip.evidence[0]
    assert "(limit 400 ms" in trip.evidence[0]
    assert ORIGIN + 300 <= trip.at < ORIGIN + 302
    assert trip.bad_since is not None
    assert ORIGIN + 300 <= trip.bad_since < ORIGIN + 300.2
    assert trip.time_to_detect == pytest.approx(trip.at - trip.bad_since)
    assert trip.closed_at is not None
    assert trip.closed_at > ORIGIN + 360
    assert trip.failed_recoveries > 1
    assert outcome.final_state is State.CLOSED


def test_every_call_is_accounted_for() -> None:
    trace = list(with_bad_time(failing=0.3))
    outcome = outcome_of(trace, QUICK)
    bad_time = [call for call in trace if ORIGIN + 300 <= call.start < ORIGIN + 360]
    assert outcome.rejected.total + outcome.admitted.total == len(trace)
    assert outcome.rejected.failed + outcome.admitted.failed == sum(call.error for call in trace)
    assert 0.8 * len(bad_time) < outcome.rejected.total < 1.2 * len(bad_time)
    assert outcome.rejected.bad == outcome.rejected.slow + outcome.rejected.failed
    slow = sum(call.duration > 0.4 and not call.error for call in trace)
    assert outcome.rejected.slow + outcome.admitted.slow == slow


def test_time_is_accounted_for() -> None:
    report = replay(with_bad_time(), QUICK)
    (outcome,) = report.outcomes
    assert sum(outcome.seconds.values()) == pytest.approx(report.seconds)
    assert outcome.open_share == pytest.approx(outcome.seconds[State.OPEN] / report.seconds)
    assert outcome.half_open_share == pytest.approx(
        outcome.seconds[State.HALF_OPEN] / report.seconds
    )
    assert outcome.spans[0].begin == report.began
    assert outcome.spans[-1].end == pytest.approx(report.ended)
    assert all(a.end == b.begin for a, b in zip(outcome.spans, outcome.spans[1:], strict=False))


def test_a_rejected_call_is_not_reported_to_the_breaker() -> None:
    # Slow until 10 s; the calls of the wait are slow too, and would keep it from closing.
    trace = [*regular(100), *regular(20, begin=10, duration=1.0), *regular(100, begin=12)]
    outcome = outcome_of(trace, QUICK)
    (trip,) = outcome.trips
    assert trip.failed_recoveries == 0
    assert outcome.rejected.slow > 0


def test_two_configurations_see_the_same_calls() -> None:
    loose = QUICK.model_copy(update={"latency_threshold": 60_000.0})
    report = replay(with_bad_time(), {"strict": QUICK, "loose": loose})
    strict, other = report.outcomes
    assert (strict.label, other.label) == ("strict", "loose")
    assert (strict.trip_count, other.trip_count) == (1, 0)
    alone = outcome_of(with_bad_time(), QUICK)
    assert (strict.rejected, strict.trips) == (alone.rejected, alone.trips)
    assert other.admitted.total == report.calls


def test_memory_trips_by_what_the_trace_tells() -> None:
    trace = [
        CallRecord(second / 10, 0.01, memory=0.95 if 100 <= second / 10 < 130 else 0.5)
        for second in range(3000)
    ]
    outcome = outcome_of(trace, QUICK)
    (trip,) = outcome.trips
    assert trip.reason == "memory"
    assert trip.evidence == ("95% of memory in use (limit 80%)",)
    assert trip.bad_since is None
    assert trip.time_to_detect is None
    assert trip.at == pytest.approx(100, abs=0.6)
    assert trip.closed_at == pytest.approx(131, abs=3)
    assert outcome.rejected.total == outcome.rejected.good > 250


def test_unknown_memory_is_not_this_machines() -> None:
    tight = QUICK.model_copy(update={"memory_threshold": 0.001})
    assert outcome_of(regular(100), tight).trip_count == 0


def test_a_stated_service_level_warms_up_and_trips_when_hopeless() -> None:
    settings = Settings(slo=Slo(success_rate=0.95, timeout=0.5, warmup=30))
    outcome = outcome_of(with_bad_time(failing=1.0, slower=1.0), settings)
    assert outcome.seconds[State.WARMING_UP] == pytest.approx(30)
    (trip,) = outcome.trips
    assert trip.reason == "failure_streak"
    assert trip.time_to_detect is not None
    assert 0 < trip.time_to_detect < 5


def test_a_call_just_at_the_threshold_is_not_above_it() -> None:
    at, above = Settings(latency_threshold=400), Settings(latency_threshold=399.9)
    trace = regular(5000, every=0.0371, duration=0.4)
    assert outcome_of(trace, at).trip_count == 0
    assert outcome_of(trace, above).trip_count > 0


def test_a_long_pause_ends_a_wait_and_costs_nothing() -> None:
    slow, later = regular(64, duration=1.0), regular(100, begin=1e9)
    outcome = outcome_of([*slow, *later], QUICK)
    (trip,) = outcome.trips
    # The first probe meets the slow calls' end: 2 s, and 2 s again.
    assert outcome.seconds[State.OPEN] == pytest.approx(4, abs=0.1)
    assert outcome.seconds[State.HALF_OPEN] == pytest.approx(1e9, rel=0.01)
    assert trip.closed_at == pytest.approx(1e9, abs=1)


def test_what_never_recovers_stays_open() -> None:
    outcome = outcome_of(regular(600, duration=1.0), QUICK)
    (trip,) = outcome.trips
    assert trip.closed_at is None
    assert trip.failed_recoveries > 2
    assert outcome.final_state is not State.CLOSED


def test_calls_that_stand_too_late_are_let_in_where_they_stand() -> None:
    trace = [*regular(100, begin=100), CallRecord(50, 0.5), *regular(100, begin=120)]
    report = replay(trace, QUICK)
    assert report.calls == 201
    assert report.outcomes[0].admitted.total == 201
    assert report.began == 100


def test_no_calls_are_no_trace() -> None:
    with pytest.raises(TraceError, match="nothing to replay"):
        replay([], QUICK)


def test_the_report_over_time() -> None:
    report = replay(with_bad_time(), QUICK)
    assert report.bin_width == 1
    calls = sum(len(each.latency) for each in report.bins)
    assert calls == report.calls
    rejected = {each.number: each.lanes[0].rejected for each in report.bins}
    assert sum(rejected.values()) == report.outcomes[0].rejected.total
    assert all(count == 0 for number, count in rejected.items() if number < 300)
    healthy = next(each for each in report.bins if each.number == 100)
    bad = next(each for each in report.bins if each.number == 330)
    (before,), (then,) = healthy.latency.percentiles([0.5]), bad.latency.percentiles([0.5])
    assert then == pytest.approx(20 * before, rel=0.3)
    assert max(each.lanes[0].in_flight for each in report.bins if each.number < 300) > 1
    p50, p95, p99 = report.percentiles(0.5, 0.95, 0.99)
    assert 0.04 < p50 < p95 < p99


def test_a_trip_soon_after_another_has_a_bad_time_of_its_own() -> None:
    trace = [
        *regular(40, duration=1.0),
        *regular(60, begin=4),
        *regular(40, begin=10, duration=1.0),
    ]
    first, second = outcome_of(trace, QUICK).trips
    assert first.bad_since == 0
    assert first.closed_at is not None
    assert second.bad_since is not None
    assert first.closed_at < second.bad_since
    assert second.bad_since == pytest.approx(10)


def test_trips_and_stretches_are_kept_in_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MAX_TRIPS", 2)
    monkeypatch.setattr(recorder, "MAX_SPANS", 5)
    trace = [
        call
        for begin in range(0, 600, 60)
        for call in [*regular(64, begin=begin, duration=1.0), *regular(300, begin=begin + 20)]
    ]
    outcome = outcome_of(trace, QUICK)
    assert outcome.trip_count == 10
    assert len(outcome.trips) == 2
    assert [trip.closed_at is not None for trip in outcome.trips] == [True, True]
    assert len(outcome.spans) == 5
    assert sum(outcome.seconds.values()) == pytest.approx(trace[-1].start + 0.05)


def test_memory_does_not_grow_with_the_trace() -> None:
    def peak(seconds: float) -> int:
        tracemalloc.start()
        replay(steady(seconds, rate=5), QUICK)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    # Bins are as many in both, between half their greatest number and all of it.
    assert peak(6000) < 2.5 * peak(1500)


def test_the_report_as_data() -> None:
    report = replay(with_bad_time(), {"a": QUICK, "b": Settings()})
    data = json.loads(json.dumps(as_data(report), allow_nan=False))
    assert data["calls"] == report.calls
    assert data["note"] == CAVEAT
    first, second = data["configurations"]
    assert (first["name"], second["name"]) == ("a", "b")
    assert first["trips"][0]["at"] == report.outcomes[0].trips[0].at
    assert first["settings"]["latency_threshold"] == 400
    assert first["rejected"]["calls"] == sum(
        first["rejected"][k] for k in ("good", "slow", "failed", "abandoned")
    )
    assert len(data["series"]["bins"]) == len(report.bins)
    assert data["series"]["bins"][0]["rejected"] == [0, 0]
    assert data["p50_ms"] < data["p95_ms"] < data["p99_ms"]


def test_a_report_without_time() -> None:
    report: Report = replay([CallRecord(5, 0)], QUICK)
    assert report.seconds == 0
    assert report.outcomes[0].open_share == 0


def test_a_limiter_holds_calls_back_and_its_limit_is_told() -> None:
    limited = Settings(
        slo=Slo(success_rate=0.95, timeout=0.5, warmup=10),
        limiter=LimiterSettings(enabled=True, max_limit=12),
    )
    # Three times as many as are let in at once.
    crowded = with_bad_time(slower=20.0, rate=40)
    report = replay(crowded, limited)
    (outcome,) = report.outcomes
    assert 0 < outcome.held_back <= outcome.rejected.total
    found = [each.lanes[0].limit for each in report.bins]
    assert all(limit is not None and 0 < limit <= 12 for limit in found)
    assert max(each.lanes[0].in_flight for each in report.bins) <= 12
    without = outcome_of(with_bad_time(), QUICK)
    assert without.held_back == 0


def test_no_limit_is_no_number() -> None:
    report = replay(steady(20), QUICK)
    assert {each.lanes[0].limit for each in report.bins} == {None}


def hang_given_up_after(seconds: float) -> list[CallRecord]:
    """Calls of 50 ms for a minute; then each hangs, until its caller gives it up."""
    return [
        *regular(600),
        *(CallRecord(60 + n / 10, seconds, abandoned=True) for n in range(600)),
    ]


@pytest.mark.parametrize(
    "settings",
    [
        Settings(latency_threshold=400, wait_time=2),
        Settings(slo=Slo(success_rate=0.95, timeout=0.4, warmup=10)),
    ],
)
def test_a_hang_that_callers_give_up_is_seen(settings: Settings) -> None:
    outcome = outcome_of(hang_given_up_after(1.0), settings)
    assert outcome.trip_count == 1
    assert 60 < outcome.trips[0].at < 65
    assert outcome.trips[0].bad_since == 60
    assert outcome.admitted.slow > 0
    assert outcome.admitted.abandoned == 0


def test_calls_given_up_in_time_are_neither_good_nor_bad() -> None:
    trace = hang_given_up_after(0.1)
    report = replay(trace, QUICK)
    (outcome,) = report.outcomes
    assert outcome.trip_count == 0
    assert outcome.admitted == Verdicts(good=600, abandoned=600)
    assert (report.errors, report.abandoned) == (0, 600)
    assert outcome.admitted.total == 1200
    assert outcome.admitted.bad == 0
