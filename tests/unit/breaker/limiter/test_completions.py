from __future__ import annotations

import pytest

from breakerd.breaker.limiter.completions import Completions
from breakerd.breaker.limiter.sample import Sample

TIMEOUT = 2.0


def sample(*, successes: int = 0, failures: int = 0, in_flight: int = 5) -> Sample:
    return Sample(
        seconds=0.1,
        successes=successes,
        failures=failures,
        success_seconds=0.05 * successes,
        rejected=0,
        in_flight=in_flight,
        admitted=0,
    )


@pytest.fixture
def completions() -> Completions:
    """Forty successes a second for ten seconds."""
    completions = Completions(TIMEOUT)
    for _ in range(100):
        completions.add(sample(successes=4))
    return completions


def pause(completions: Completions, seconds: float, *, failures: int = 0) -> None:
    """Let nothing end for so long, and then everything."""
    for _ in range(round(seconds * 10)):
        completions.add(sample())
    completions.add(sample(successes=0 if failures else 40, failures=failures))


def test_a_pause_is_no_time_in_which_calls_could_have_succeeded(completions: Completions) -> None:
    for _ in range(10):
        completions.add(sample())
    assert completions.paused
    assert completions.steady == pytest.approx(40)
    assert completions.recent < 20
    completions.add(sample(successes=4))
    assert not completions.paused
    assert completions.steady == pytest.approx(40)


def test_a_short_gap_counts_as_time(completions: Completions) -> None:
    for _ in range(4):
        completions.add(sample())
    assert not completions.paused
    completions.add(sample(successes=4))
    assert completions.steady < 38


def test_time_without_calls_is_no_pause(completions: Completions) -> None:
    for _ in range(20):
        completions.add(sample(in_flight=0))
    assert not completions.paused
    assert completions.steady < 25


def test_a_gap_that_is_ordinary_at_this_rate_is_no_pause() -> None:
    slow = Completions(TIMEOUT)
    for n in range(100):
        slow.add(sample(successes=n % 10 == 0))
    for _ in range(15):
        slow.add(sample())
    assert slow.steady == pytest.approx(1, abs=0.3)
    assert not slow.paused


def test_a_pause_is_usual_after_one_that_ended_well(completions: Completions) -> None:
    for _ in range(12):
        completions.add(sample())
        assert not completions.pause_is_usual
    completions.add(sample(successes=40))
    for _ in range(4):
        completions.add(sample())
        assert not completions.pause_is_usual, "too short to be one"
    for _ in range(10):
        completions.add(sample())
        assert completions.pause_is_usual
    completions.add(sample())
    assert not completions.pause_is_usual, "longer than any before"


def test_calls_that_waited_through_a_usual_pause_may_end_in_time(completions: Completions) -> None:
    pause(completions, 1.2)
    assert not completions.pause_is_usual
    pause(completions, 1.2)
    for _ in range(7):
        assert completions.pause_is_usual
        completions.add(sample(successes=4))
    completions.add(sample(successes=4))
    completions.add(sample(successes=4))
    assert not completions.pause_is_usual


def test_a_pause_that_ended_in_time_outs_is_never_usual(completions: Completions) -> None:
    pause(completions, 1.2, failures=40)
    for _ in range(12):
        completions.add(sample())
        assert not completions.pause_is_usual


def test_no_pause_is_usual_up_to_the_time_out(completions: Completions) -> None:
    pause(completions, 1.9)
    for _ in range(17):
        completions.add(sample())
    assert completions.pause_is_usual
    for _ in range(2):
        completions.add(sample())
    assert not completions.pause_is_usual


def test_a_pause_is_forgotten(completions: Completions) -> None:
    pause(completions, 1.2)
    for _ in range(2 * 36_000):
        completions.add(sample(successes=4))
    for _ in range(12):
        completions.add(sample())
        assert not completions.pause_is_usual
