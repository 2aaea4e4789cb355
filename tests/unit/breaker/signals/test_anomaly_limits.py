"""Each threshold of the anomaly signal, from both sides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from breakerd.breaker.baseline import Baseline, Deviation, Quantity, Scale
from breakerd.breaker.baseline.moments import Moments
from breakerd.breaker.baseline.outlier import READY_AFTER
from breakerd.breaker.signals.anomaly import AnomalySignal

NORMAL = {
    Quantity.RATE: Deviation(20.0, 20.0, 0.0),
    Quantity.ERRORS: Deviation(0.0, 0.0, 0.0),
    Quantity.DURATION: Deviation(0.1, 0.1, 0.0),
    Quantity.IN_FLIGHT: Deviation(2.0, 2.0, 0.0),
}
SLOW = Deviation(0.151, 0.1, 5.1)
MUCH_SLOWER = Deviation(0.201, 0.1, 8.1)
PILING_UP = Deviation(3.1, 2.0, 3.1)
STUCK = Deviation(4.1, 2.0, 6.1)
FAILING = Deviation(0.3, 0.1, 5.1)


class Fixed(Baseline):
    """A baseline of which every figure is given."""

    def __init__(
        self, calls: float = 200.0, ended: float = 200.0, learned: float = READY_AFTER
    ) -> None:
        super().__init__()
        self.seen = dict(NORMAL)
        self.outlier_model.levels[Quantity.RATE].weight = learned
        self.series(Quantity.RATE, Scale.SECONDS).moments = Moments(weight=10.0, mean=calls / 10)
        self.series(Quantity.ERRORS, Scale.SECONDS).moments = Moments(weight=ended)

    def deviation(self, quantity: Quantity) -> Deviation:
        return self.seen[quantity]


def finding(baseline: Fixed, *, rate: Deviation | None = None, **seen: Deviation) -> str:
    """Returns what is found if these quantities are not normal; empty if nothing is."""
    baseline.seen |= {Quantity[name.upper()]: value for name, value in seen.items()}
    baseline.seen[Quantity.RATE] = rate or NORMAL[Quantity.RATE]
    signal = AnomalySignal()
    for now in (0.0, 3.0):
        signal.judge(now, baseline)
    return str(signal.evidence(baseline).detail["what"]) if signal.breached else ""


SLOW_FOUND = "calls are slow and pile up"
STUCK_FOUND = "calls pile up and hardly end"
FAILING_FOUND = "more calls fail than usual"


def test_slow_calls_that_pile_up() -> None:
    assert finding(Fixed(), duration=SLOW, in_flight=PILING_UP) == SLOW_FOUND


@pytest.mark.parametrize(
    ("duration", "in_flight"),
    [
        (replace(SLOW, z_score=4.9), PILING_UP),
        (replace(SLOW, value=0.149), PILING_UP),
        (Deviation(0.0019, 0.001, 5.1), PILING_UP),
        (SLOW, replace(PILING_UP, z_score=2.9)),
        (SLOW, replace(PILING_UP, value=2.9)),
        (SLOW, Deviation(0.39, 0.1, 3.1)),
    ],
)
def test_not_slow_enough_or_not_piling_up(duration: Deviation, in_flight: Deviation) -> None:
    assert finding(Fixed(), duration=duration, in_flight=in_flight) == ""


def test_the_least_that_is_slow() -> None:
    assert finding(Fixed(), duration=Deviation(0.0021, 0.001, 5.1), in_flight=PILING_UP)
    assert finding(Fixed(), duration=SLOW, in_flight=Deviation(0.41, 0.1, 3.1))


def test_where_calls_hardly_overlap_their_work_counts() -> None:
    assert finding(Fixed(), duration=MUCH_SLOWER) == SLOW_FOUND
    assert finding(Fixed(), duration=replace(MUCH_SLOWER, z_score=7.9)) == ""
    assert finding(Fixed(), duration=replace(MUCH_SLOWER, value=0.199)) == ""
    # Requests times duration: 0.74 of the requests at 2.01 of the duration are hardly more work.
    assert finding(Fixed(), duration=MUCH_SLOWER, rate=Deviation(14.8, 20.0, -2.0)) == ""
    assert finding(Fixed(), duration=MUCH_SLOWER, rate=Deviation(15.2, 20.0, -2.0)) == SLOW_FOUND


def test_calls_that_hardly_end() -> None:
    assert finding(Fixed(ended=99.0), in_flight=STUCK) == STUCK_FOUND
    assert finding(Fixed(ended=101.0), in_flight=STUCK) == ""
    assert finding(Fixed(ended=99.0), in_flight=replace(STUCK, z_score=5.9)) == ""
    assert finding(Fixed(ended=99.0), in_flight=replace(STUCK, value=3.9)) == ""
    # More requests explain more calls in flight; fewer do not make the threshold lower.
    more, fewer = Deviation(22.0, 20.0, 1.0), Deviation(10.0, 20.0, -1.0)
    assert finding(Fixed(ended=99.0), in_flight=STUCK, rate=more) == ""
    assert finding(Fixed(ended=99.0), in_flight=replace(STUCK, value=3.9), rate=fewer) == ""


def test_calls_that_fail() -> None:
    assert finding(Fixed(), errors=FAILING) == FAILING_FOUND
    assert finding(Fixed(), errors=replace(FAILING, z_score=4.9)) == ""
    assert finding(Fixed(), errors=replace(FAILING, value=0.199)) == ""
    assert finding(Fixed(calls=2000, ended=2000), errors=Deviation(0.051, 0.0, 5.1))
    assert finding(Fixed(calls=2000, ended=2000), errors=Deviation(0.049, 0.0, 5.1)) == ""


def test_so_few_failures_may_be_chance() -> None:
    # The roots of 5.2 and 0 failures, each with 3/8 more, differ by 1.75.
    assert finding(Fixed(ended=5.25), errors=Deviation(1.0, 0.0, 9.0)) == FAILING_FOUND
    assert finding(Fixed(ended=5.15), errors=Deviation(1.0, 0.0, 9.0)) == ""
    # As those of 20 and 7.27.
    assert finding(Fixed(ended=20.0), errors=Deviation(1.0, 0.362, 9.0)) == FAILING_FOUND
    assert finding(Fixed(ended=20.0), errors=Deviation(1.0, 0.365, 9.0)) == ""


def test_without_enough_calls_or_time_nothing_is_unusual() -> None:
    assert finding(Fixed(calls=5.0), errors=FAILING) == FAILING_FOUND
    assert finding(Fixed(calls=4.9), errors=FAILING) == ""
    assert finding(Fixed(learned=READY_AFTER - 0.1), errors=FAILING) == ""


def test_it_lasts_three_seconds_before_it_is_told_and_ten_after() -> None:
    baseline, signal = Fixed(), AnomalySignal()
    baseline.seen[Quantity.ERRORS] = FAILING
    assert [signal.judge(now, baseline) for now in (0.0, 2.9, 3.0)] == [False, False, True]
    baseline.seen[Quantity.ERRORS] = NORMAL[Quantity.ERRORS]
    assert [signal.judge(now, baseline) for now in (4.0, 13.9, 14.0)] == [True, True, False]


def test_it_is_over_only_well_below() -> None:
    baseline, signal = Fixed(), AnomalySignal()
    baseline.seen[Quantity.ERRORS] = Deviation(0.8, 0.1, 9.0)
    signal.judge(0.0, baseline)
    assert signal.judge(3.0, baseline)
    baseline.seen[Quantity.ERRORS] = Deviation(0.8, 0.1, 2.6)
    signal.judge(4.0, baseline)
    assert signal.judge(60.0, baseline), "half of the five deviations"
    baseline.seen[Quantity.ERRORS] = Deviation(0.8, 0.1, 2.4)
    signal.judge(61.0, baseline)
    assert not signal.judge(71.0, baseline)


def test_the_evidence_has_the_units_of_its_quantity() -> None:
    baseline, signal = Fixed(calls=200.4), AnomalySignal()
    baseline.seen |= {Quantity.DURATION: SLOW, Quantity.IN_FLIGHT: PILING_UP}
    signal.judge(0.0, baseline)
    signal.judge(3.0, baseline)
    assert signal.breached
    evidence = signal.evidence(baseline)
    assert (evidence.value, evidence.threshold, evidence.unit, evidence.samples) == (
        151,
        100,
        "ms",
        200,
    )
    assert evidence.detail["duration_times_normal"] == 1.51
    assert evidence.detail["deviations"] == 5.1
