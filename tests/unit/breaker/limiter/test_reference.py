"""Reference values of the limiter: latency, concurrency, the knee and the peak."""

from __future__ import annotations

from math import exp

import pytest

from breakerd.breaker.limiter.reference import ReferenceLatency
from breakerd.breaker.limiter.sample import Sample


def sample(
    successes: int = 4, latency: float = 0.2, *, in_flight: int = 3, seconds: float = 0.5
) -> Sample:
    return Sample(
        seconds=seconds,
        successes=successes,
        failures=0,
        success_seconds=successes * latency,
        rejected=0,
        in_flight=in_flight,
        admitted=0,
    )


@pytest.fixture
def reference() -> ReferenceLatency:
    """Knows that a call takes 0.2 s and that three are in flight."""
    made = ReferenceLatency(horizon=4.0)
    for _ in range(60):
        made.update(sample())
    assert made.ready
    return made


def test_it_begins_with_nothing() -> None:
    made = ReferenceLatency(horizon=4.0)
    assert made.dump() == {"latency": 0, "in_flight": 0, "weight": 0, "knee": 1, "peak": 0}
    assert not made.ready


def test_it_is_ready_after_three_tenths_of_a_minute_and_a_bit() -> None:
    made = ReferenceLatency(horizon=4.0)
    for _ in range(42):
        made.update(sample())
    assert not made.ready
    made.update(sample())
    assert made.ready, "1 - exp(-21.5 / 60) is the first above 0.3"


def test_it_learns_means(reference: ReferenceLatency) -> None:
    assert (reference.latency, reference.in_flight) == (pytest.approx(0.2), pytest.approx(3))
    before, kept = 1 - exp(-0.5), exp(-30 / 60)
    for _ in range(60):
        reference.update(sample(2, 0.4, in_flight=9))
    weight = before_and_after(before)
    assert reference.latency == pytest.approx((0.2 * before * kept + 0.4 * (1 - kept)) / weight)
    assert reference.in_flight == pytest.approx((3 * before * kept + 9 * (1 - kept)) / weight)


def before_and_after(before: float) -> float:
    """Weight after thirty seconds more."""
    return before * exp(-0.5) + 1 - exp(-0.5)


def test_without_a_success_only_the_concurrency_is_learnt(reference: ReferenceLatency) -> None:
    reference.update(sample(0, in_flight=30, seconds=60.0))
    assert reference.latency == pytest.approx(0.2)
    assert reference.in_flight > 15


def test_the_knee_is_the_concurrency_when_the_calls_that_end_began(
    reference: ReferenceLatency,
) -> None:
    for now, in_flight in ((10.0, 20), (10.25, 9), (10.5, 40)):
        reference.observe(now, sample(0, in_flight=in_flight))
    reference.observe(10.75, sample(4, 0.24, in_flight=99))
    # They began at 10.51.
    assert reference.knee == 40
    reference.knee = 1.0
    reference.observe(10.8, sample(4, 0.24, in_flight=99))
    assert reference.knee == 40
    reference.knee = 1.0
    reference.observe(10.7, sample(4, 0.2, in_flight=99))
    assert reference.knee == 40


def test_a_call_that_began_with_a_sample_began_in_it(reference: ReferenceLatency) -> None:
    reference.observe(10.0, sample(0, in_flight=20))
    reference.observe(10.5, sample(0, in_flight=7))
    reference.observe(10.75, sample(4, 0.125, in_flight=99))
    assert reference.knee == 7
    reference.knee = 1.0
    reference.observe(10.625, sample(4, 0.125, in_flight=99))
    assert reference.knee == 7


@pytest.mark.parametrize(("latency", "counts"), [(0.249, True), (0.251, False)])
def test_only_concurrency_with_normal_latency_counts(
    reference: ReferenceLatency, latency: float, *, counts: bool
) -> None:
    reference.observe(10.0, sample(0, in_flight=20))
    reference.observe(11.0, sample(4, latency))
    assert (reference.knee == 20) is counts


def test_there_is_no_knee_until_the_latency_is_known() -> None:
    made = ReferenceLatency(horizon=4.0)
    made.update(sample())
    made.observe(10.0, sample(4, in_flight=20))
    made.observe(11.0, sample(4, 0.1))
    assert made.knee == 1.0


def test_concurrency_is_kept_for_the_horizon(reference: ReferenceLatency) -> None:
    reference.observe(10.0, sample(0, in_flight=20))
    reference.observe(14.0, sample(0, in_flight=5))
    # At most four seconds ago is still known.
    assert reference._concurrency_at(10.0) == 20
    reference.observe(14.001, sample(0, in_flight=5))
    assert reference._concurrency_at(13.0) == 0


def test_the_knee_and_the_peak_fade_over_a_minute(reference: ReferenceLatency) -> None:
    reference.knee, reference.peak = 50.0, 80.0
    reference.observe(10.0, sample(4, in_flight=3))
    assert reference.knee == pytest.approx(50 * exp(-0.5 / 60))
    reference.record_throughput(10.0, 0.5)
    assert reference.peak == pytest.approx(80 * exp(-0.5 / 60))
    reference.record_throughput(90.0, 0.5)
    assert reference.peak == 90.0


def test_a_restart_trusts_what_was_known_in_part(reference: ReferenceLatency) -> None:
    reference.knee, reference.peak = 50.0, 80.0
    heir = ReferenceLatency(horizon=4.0)
    heir.restore(reference.dump(), trust=0.5)
    known = reference.dump()
    assert heir.dump() == {
        "latency": pytest.approx(0.2),
        "in_flight": pytest.approx(3),
        "weight": known["weight"] / 2,
        "knee": 25.0,
        "peak": 40.0,
    }
    heir.restore(reference.dump() | {"knee": 1.5}, trust=0.5)
    assert heir.knee == 1.0
    heir.restore(reference.dump(), trust=1.0)
    heir.update(sample(4, 0.4, in_flight=9, seconds=60.0))
    kept = exp(-1)
    weight = known["weight"] * kept + 1 - kept
    assert heir.in_flight == pytest.approx((3 * known["weight"] * kept + 9 * (1 - kept)) / weight)
