"""The measurement of one limit: which samples count, and what they say."""

from __future__ import annotations

from math import exp, inf, sqrt

import pytest

from breakerd.breaker.limiter.limit_trial import LimitTrial
from breakerd.breaker.limiter.sample import Sample


def sample(
    successes: int = 4,
    failures: int = 0,
    *,
    seconds: float = 0.25,
    success_seconds: float = 0.0,
    in_flight: int = 5,
) -> Sample:
    return Sample(
        seconds=seconds,
        successes=successes,
        failures=failures,
        success_seconds=success_seconds,
        rejected=0,
        in_flight=in_flight,
        admitted=0,
    )


def measured(*samples: Sample, memory: float = inf) -> LimitTrial:
    """A trial from the start on, in which each sample counts."""
    trial = LimitTrial(5.0, 0.0, memory)
    for n, each in enumerate(samples):
        trial.add(float(n), each, settle=0.0)
    return trial


def test_it_begins_with_nothing() -> None:
    trial = LimitTrial(5.0)
    assert (trial.limit, trial.seconds, trial.successes, trial.failures) == (5.0, 0, 0, 0)
    assert (trial.calls, trial.latency, trial.ready) == (0, 0, False)


def test_samples_count_once_the_calls_beyond_the_limit_have_ended() -> None:
    trial = LimitTrial(5.0)
    counted = []
    for now, in_flight in ((0.0, 9), (1.0, 7), (2.0, 6), (3.0, 9), (3.5, 9), (4.0, 9)):
        trial.add(now, sample(in_flight=in_flight), settle=1.5)
        counted.append(trial.successes)
    # One more than the limit is the rounding of it; from then on it takes 1.5 s, whatever follows.
    assert counted == [0, 0, 0, 0, 4, 8]


def test_samples_count_from_a_stated_time_on() -> None:
    trial = LimitTrial(5.0, 2.0)
    for now in (1.0, 1.999):
        trial.add(now, sample(), settle=9.0)
    assert trial.calls == 0
    trial.add(2.0, sample(in_flight=99), settle=9.0)
    assert trial.calls == 4


def test_samples_add_up() -> None:
    trial = measured(sample(4, 1, success_seconds=1.0), sample(6, 2, success_seconds=3.0))
    assert (trial.seconds, trial.successes, trial.failures) == (0.5, 10, 3)
    assert trial.calls == 13
    assert trial.latency == 0.4
    assert trial.goodput == (10 - 0.25 * 3) / 0.5


def test_samples_fade_where_there_is_a_memory() -> None:
    trial = measured(
        sample(4, 2, success_seconds=1.0), sample(6, 1, success_seconds=3.0), memory=4.0
    )
    kept = exp(-0.25 / 4)
    assert trial.seconds == pytest.approx(0.25 * kept + 0.25)
    assert trial.successes == pytest.approx(4 * kept + 6)
    assert trial.failures == pytest.approx(2 * kept + 1)
    assert trial.latency == pytest.approx((1.0 * kept + 3.0) / (4 * kept + 6))


def test_the_latency_of_a_fraction_of_a_call_is_none() -> None:
    trial = measured(sample(1, success_seconds=0.2), memory=0.25)
    assert trial.latency == 0.2
    for n in range(1, 9):
        trial.add(float(n), sample(0), settle=0.0)
    assert trial.successes < 0.001
    assert trial.latency < 0.001


@pytest.mark.parametrize(
    ("seconds", "successes", "failures", "ready"),
    [
        (0.5, 10, 0, True),
        (0.5, 0, 10, True),
        (0.499, 10, 0, False),
        (0.5, 5, 4, False),
        (9.0, 9, 0, False),
        (0.1, 99, 0, False),
    ],
)
def test_half_a_second_and_ten_calls_are_enough(
    seconds: float, successes: int, failures: int, *, ready: bool
) -> None:
    assert measured(sample(successes, failures, seconds=seconds)).ready is ready


def test_the_z_score_is_the_difference_by_its_noise() -> None:
    trial = measured(sample(40, seconds=2.0))
    assert trial.z_score(12.0, 3.0) == pytest.approx(1.2 * 8 / sqrt(20 / 2 + 12 / 3))
    assert trial.z_score(25.0, 4.0) == pytest.approx(1.2 * -5 / sqrt(20 / 2 + 25 / 4))


def test_a_goodput_of_nothing_has_the_noise_of_a_tenth() -> None:
    trial = measured(sample(0, 40, seconds=2.0))
    assert trial.goodput == -5.0
    assert trial.z_score(-2.0, 4.0) == pytest.approx(1.2 * -3 / sqrt(0.1 / 2 + 0.1 / 4))
