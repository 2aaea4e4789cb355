from __future__ import annotations

import inspect
import json
import sysconfig
import tracemalloc
from math import inf, nan
from pathlib import Path

import pytest

from benchmarks.studies.anomaly import Traffic
from breakerd.breaker.baseline import Baseline, Quantity, Scale
from breakerd.breaker.baseline.report import report
from breakerd.breaker.baseline.serialization import SavedBaseline, save
from breakerd.breaker.calls.totals import CallDelta

FIXED = (36 if sysconfig.get_config_var("Py_GIL_DISABLED") else 32) * 1024
"""Bytes that `docs/baseline.md` promises; objects are larger where there is no GIL."""


def alike(count: int, seconds: float, *, errors: int = 0, in_flight: int = 1) -> CallDelta:
    """So many calls of the same duration."""
    return CallDelta(
        admitted=count,
        ended=count,
        errors=errors,
        duration=count * seconds,
        durations=[seconds] * min(count, 64),
        in_flight=in_flight,
    )


def fed(
    seconds: int, batch: CallDelta, baseline: Baseline | None = None, start: float = 0
) -> Baseline:
    """A baseline that has seen that batch each second."""
    baseline = baseline or Baseline()
    for n in range(seconds + 1):
        baseline.observe(start + n, batch)
    return baseline


@pytest.mark.parametrize("scale", Scale)
def test_steady_traffic_is_known_on_every_scale(scale: Scale) -> None:
    baseline = fed(100, alike(20, 0.1, errors=1, in_flight=2))
    means = {q: baseline.statistics(q, scale).mean for q in Quantity}
    assert means == pytest.approx(
        {
            Quantity.RATE: 20,
            Quantity.ERRORS: 0.05,
            Quantity.DURATION: 0.1,
            Quantity.IN_FLIGHT: 2,
        }
    )
    duration = baseline.statistics(Quantity.DURATION, scale)
    assert duration.p50 == duration.p99 == pytest.approx(0.1, rel=0.05)
    assert duration.deviation == pytest.approx(0)


@pytest.mark.parametrize("scale", Scale)
def test_the_first_values_count_in_full(scale: Scale) -> None:
    baseline = fed(1, alike(20, 0.1))
    assert baseline.statistics(Quantity.RATE, scale).mean == pytest.approx(20)
    assert baseline.statistics(Quantity.DURATION, scale).mean == pytest.approx(0.1)


def test_the_short_scale_follows_and_the_long_one_remembers() -> None:
    baseline = fed(3600, alike(20, 0.1))
    fed(15, alike(20, 0.3), baseline, start=3601)
    mean = {s: baseline.statistics(Quantity.DURATION, s).mean for s in Scale}
    assert mean[Scale.SECONDS] == pytest.approx(0.3, rel=0.05)
    assert mean[Scale.MINUTES] == pytest.approx(0.12, rel=0.05)
    assert mean[Scale.DAY] == pytest.approx(0.1, rel=0.02)


def test_the_derivative_is_what_it_rises_by_a_second() -> None:
    baseline = Baseline()
    for n in range(200):
        baseline.observe(n, alike(10, 0.1 + 0.001 * n))
    for scale in Scale:
        derivative = baseline.statistics(Quantity.DURATION, scale).derivative
        assert derivative == pytest.approx(0.001, rel=1e-3)


def test_the_deviation_of_durations_is_that_of_calls() -> None:
    baseline = Baseline()
    mixed = CallDelta(admitted=4, ended=4, duration=0.8, durations=[0.1, 0.1, 0.3, 0.3])
    for n in range(50):
        baseline.observe(n, mixed)
    assert baseline.statistics(Quantity.DURATION, Scale.DAY).deviation == pytest.approx(0.1)


def test_in_a_silence_the_rate_falls_and_durations_stay() -> None:
    baseline = fed(60, alike(20, 0.1))
    baseline.observe(60 + 3600, CallDelta())
    assert baseline.statistics(Quantity.RATE, Scale.SECONDS).mean == pytest.approx(0, abs=1e-6)
    assert baseline.statistics(Quantity.RATE, Scale.MINUTES).mean < 1
    for scale in Scale:
        assert baseline.statistics(Quantity.DURATION, scale).mean == pytest.approx(0.1)


def test_a_clock_that_goes_back_costs_nothing_learnt() -> None:
    baseline = fed(100, alike(20, 0.1))
    baseline.observe(-1e6, alike(20, 0.1))
    fed(10, alike(20, 0.1), baseline, start=-1e6 + 1)
    assert baseline.statistics(Quantity.RATE, Scale.MINUTES).mean == pytest.approx(20, rel=0.02)


def test_a_clock_that_jumps_ahead_is_ten_minutes_without_calls_at_most() -> None:
    baseline = fed(3600, alike(20, 0.1))
    baseline.observe(3600 + 100 * 86400, alike(20, 0.1))
    rate = baseline.statistics(Quantity.RATE, Scale.DAY).mean
    assert rate == pytest.approx(20 * 3600 / 4200, rel=0.02)
    assert baseline.confidence(3600 + 100 * 86400) == 1


def test_calls_closer_than_a_second_are_put_together() -> None:
    baseline = Baseline()
    complete = [baseline.observe(n / 8, alike(1, 0.1)) for n in range(17)]
    assert complete.count(True) == 2
    assert baseline.statistics(Quantity.RATE, Scale.SECONDS).mean == pytest.approx(8)


def test_while_nothing_goes_on_five_seconds_are_put_together() -> None:
    baseline = Baseline()
    assert [baseline.observe(n, CallDelta()) for n in range(11)].count(True) == 2
    assert baseline.observe(12, CallDelta(admitted=1, in_flight=1))


def test_what_happens_while_not_learning_is_no_part_of_the_normal() -> None:
    baseline = fed(100, alike(20, 0.1))
    for n in range(101, 1101):
        baseline.observe(n, alike(20, 3.0, errors=20), learning_rate=0.0)
    assert baseline.statistics(Quantity.DURATION, Scale.DAY).mean == pytest.approx(0.1)
    assert baseline.statistics(Quantity.DURATION, Scale.MINUTES).mean == pytest.approx(3, rel=0.01)
    assert baseline.deviation(Quantity.DURATION).ratio == pytest.approx(30, rel=0.01)
    assert baseline.observed_failure_rate.mean == pytest.approx(1000 / 1100, rel=0.01), (
        "callers met it all the same"
    )


def test_in_trouble_it_learns_slowly_and_yet_rightly() -> None:
    slow, mixed = Baseline(), fed(1000, alike(20, 0.1))
    for n in range(1001, 2001):
        slow.observe(n, alike(20, 0.5), learning_rate=0.1)
        mixed.observe(n, alike(20, 0.5), learning_rate=0.1)
    assert slow.statistics(Quantity.DURATION, Scale.DAY).mean == pytest.approx(0.5)
    mean = mixed.statistics(Quantity.DURATION, Scale.DAY).mean
    assert mean == pytest.approx((1000 * 0.1 + 100 * 0.5) / 1100, rel=0.01)


def test_confidence_grows_with_time_and_calls() -> None:
    assert Baseline().confidence(0) == 0
    assert fed(30, alike(100, 0.1)).confidence(30) == pytest.approx(0.5, rel=0.02)
    assert fed(60, alike(1, 0.1)).confidence(60) == pytest.approx(0.6, rel=0.03)
    assert fed(120, alike(100, 0.1)).confidence(120) == 1


def test_confidence_needs_more_calls_the_more_they_differ() -> None:
    few = Baseline()
    for n in range(100):
        few.observe(n, alike(1, 10.0 if n % 10 == 0 else 0.1))
    assert few.confidence(100) < 0.1


@pytest.mark.parametrize(
    ("now", "batch"),
    [
        (nan, CallDelta()),
        (inf, CallDelta()),
        (1.0, CallDelta(ended=1, duration=inf)),
        (1.0, CallDelta(ended=1, durations=[nan])),
    ],
)
def test_what_is_not_finite_is_refused(now: float, batch: CallDelta) -> None:
    baseline = fed(10, alike(20, 0.1))
    before = save(baseline)
    with pytest.raises(ValueError, match="finite numbers only"):
        baseline.observe(now, batch)
    assert save(baseline) == before


def test_ten_million_calls_take_no_more_room_than_ten() -> None:
    traffic = Traffic(1, 400.0, 0.05, 1.0)
    batches = [traffic.batch(1.0) for _ in range(50)]
    fed(10, batches[-1])  # what the interpreter keeps for itself is there from now on
    calls = now = 0
    tracemalloc.start()
    try:
        baseline = Baseline()
        while calls < 10_000_000:
            # Each counts a hundredfold, to be quick; half a second of full samples is left over.
            batch = hundredfold(batches[now % 50])
            baseline.observe(now / 2, batch)
            calls, now = calls + batch.ended, now + 1
            del batch
        used = held_by_baselines()
    finally:
        tracemalloc.stop()
    assert 16 * 1024 < used < FIXED
    mean = baseline.statistics(Quantity.DURATION, Scale.MINUTES).mean
    assert mean == pytest.approx(0.05, rel=0.1)


def held_by_baselines() -> int:
    """Bytes that the package allocated; other threads of the process allocate as well."""
    package = Path(inspect.getfile(Baseline)).parent
    traces = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, f"{package}/*")])
    return sum(trace.size for trace in traces.traces)


def hundredfold(batch: CallDelta) -> CallDelta:
    return CallDelta(
        admitted=batch.admitted * 100,
        ended=batch.ended * 100,
        duration=batch.duration * 100,
        durations=[seconds * 1.0 for seconds in batch.durations] * 4,
        in_flight=batch.in_flight,
    )


def test_saved_and_restored_it_knows_the_same() -> None:
    traffic = Traffic(2, 20.0, 0.05, 1.0)
    baseline = Baseline()
    for n in range(500):
        baseline.observe(n, traffic.batch(1.0))
    text = json.dumps(save(baseline).model_dump(mode="json"))
    assert len(text) < 16_000
    again = SavedBaseline.model_validate_json(text).restore(age=0.0)
    for quantity in Quantity:
        for scale in Scale:
            before, after = (b.statistics(quantity, scale) for b in (baseline, again))
            assert after.mean == pytest.approx(before.mean, rel=1e-4)
            assert after.deviation == pytest.approx(before.deviation, rel=1e-4)
            assert after.p95 == pytest.approx(before.p95, rel=1e-6)
    assert again.deviation(Quantity.DURATION).z_score == pytest.approx(
        baseline.deviation(Quantity.DURATION).z_score, abs=0.01
    )


def test_what_has_lain_counts_less() -> None:
    saved = save(fed(120, alike(100, 0.1)))
    assert saved.restore(age=0).confidence(0) == 1
    assert saved.restore(age=86400).confidence(0) == pytest.approx(0.27, rel=0.05)
    assert saved.restore(age=3 * 86400).confidence(0) < 0.01
    again = fed(10, alike(100, 0.2), saved.restore(age=2 * 86400))
    assert again.statistics(Quantity.DURATION, Scale.DAY).mean > 0.17


def test_the_report_has_every_quantity_on_every_scale() -> None:
    made = report(fed(100, alike(20, 0.1)), 100)
    assert json.loads(json.dumps(made)) == made
    assert set(made["series"]) == {"rate", "errors", "duration", "in_flight"}
    assert set(made["series"]["rate"]) == {"10s", "5min", "1day"}
    assert made["series"]["duration"]["5min"]["mean"] == 0.1
    assert made["confidence"] == 1
