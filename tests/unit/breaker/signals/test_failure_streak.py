from __future__ import annotations

import random

import pytest

from breakerd.breaker.signals.failure_streak import FailureStreak


class Calls:
    """Calls at an even rate through a streak, each answered after `takes` seconds."""

    def __init__(self, *, rate: float, timeout: float = 2.0, takes: float = 0.0) -> None:
        self.streak = FailureStreak(timeout)
        self.rate, self.takes = rate, takes
        self.now = 0.0
        self.admitted = 0
        self._random = random.Random(3)
        self._sampled = 0.0
        self._attempts = self._successes = 0

    def run(self, calls: int, *, failing: float) -> int | None:
        """Return the number of the call that showed an outage; None if none did."""
        for n in range(1, calls + 1):
            self.now += 1 / self.rate
            self.admitted += 1
            start, end = self.now - self.takes, self.now
            if self._random.random() < failing:
                if self.streak.record_failure(self.now, start, end, self.admitted):
                    return n
            else:
                self.streak.record_success(start, congested=False)
                self._successes += 1
            self._attempts += 1
            self._sample()
        return None

    def _sample(self) -> None:
        if self.now - self._sampled < 0.1:
            return
        self.streak.advance(
            self.now,
            seconds=self.now - self._sampled,
            attempts=self._attempts,
            successes=self._successes,
            admitted=self.admitted,
        )
        self._sampled, self._attempts, self._successes = self.now, 0, 0


@pytest.mark.parametrize(("rate", "most"), [(0.2, 3), (1, 4), (40, 10), (1000, 20)])
def test_the_busier_the_more_failures_it_takes(rate: float, most: int) -> None:
    calls = Calls(rate=rate)
    assert calls.run(1000, failing=0) is None
    needed = calls.run(100, failing=1)
    assert needed is not None
    assert needed <= most


@pytest.mark.parametrize("failing", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("rate", [1, 40, 1000])
def test_a_share_that_fails_is_not_hopeless(rate: float, failing: float) -> None:
    calls = Calls(rate=rate)
    calls.run(1000, failing=0.01)
    assert calls.run(min(20_000, int(3600 * rate)), failing=failing) is None


def test_next_to_nothing_is_as_good_as_nothing() -> None:
    calls = Calls(rate=40)
    calls.run(1000, failing=0)
    assert calls.run(200, failing=0.97) is not None


@pytest.mark.parametrize("withdrawn", ["before it", "in it, begun before"])
def test_calls_withdrawn_outside_of_it_do_not_stand_for_calls_in_it(withdrawn: str) -> None:
    streak = FailureStreak(2.0)
    streak.advance(0.0, seconds=1.0, attempts=100, successes=100, admitted=100)
    if withdrawn == "before it":
        for n in range(60):
            streak.withdraw(0.0, -n / 100)
    verdicts = []
    for n in range(1, 60):
        verdicts.append(streak.record_failure(n / 100, n / 100, n / 100, 100 + n * 3 // 2))
        if withdrawn != "before it":
            streak.withdraw(n / 100, -0.01)
    assert not any(verdicts)


def test_calls_withdrawn_in_it_are_not_waited_for() -> None:
    streak = FailureStreak(2.0)
    streak.advance(0.0, seconds=1.0, attempts=100, successes=100, admitted=100)
    verdicts = []
    for n in range(1, 60):
        verdicts.append(streak.record_failure(n / 100, n / 100, n / 100, 100 + n * 3 // 2))
        if n % 2:
            streak.withdraw(n / 100, n / 100)
    assert any(verdicts)


def test_calls_withdrawn_since_do_not_hide_those_that_hang() -> None:
    streak = FailureStreak(1.0)
    for tick in range(23):
        # Ten a second hang at first; those that follow are soon withdrawn.
        now = tick / 10
        streak.advance(now, seconds=0.1, attempts=1, successes=0, admitted=tick)
        if tick > 10:
            streak.withdraw(now, now)
    assert streak.hung(2.2, in_flight=10, admitted=22) > 5


def test_calls_that_are_still_under_way_speak_against_it() -> None:
    streak = FailureStreak(2.0)
    streak.advance(0.0, seconds=1.0, attempts=100, successes=100, admitted=100)
    # Two in three are refused at once; the third is let into the queue, and served later.
    verdicts = [
        streak.record_failure(n / 100, n / 100, n / 100, 100 + n * 3 // 2) for n in range(1, 60)
    ]
    assert not any(verdicts)


def test_success_of_an_earlier_call_does_not_end_the_streak_unless_calls_crowd() -> None:
    streak = FailureStreak(2.0)
    for n in range(3):
        streak.record_failure(10.0, 10.0, 10.0, n)
    streak.record_success(9.5, congested=False)
    assert streak.active
    streak.record_success(9.5, congested=True)
    assert not streak.active


def test_forgotten_calls_count_no_more() -> None:
    streak = FailureStreak(2.0)
    streak.record_failure(10.0, 10.0, 10.0, 1)
    streak.reset(11.0)
    assert not streak.active
    streak.record_failure(12.0, 10.5, 12.0, 2)
    assert not streak.active


def test_a_hang_counts_before_it_ends() -> None:
    streak = FailureStreak(1.0)
    for n in range(40):
        now = n * 0.1
        served = n < 20
        streak.advance(now, seconds=0.1, attempts=4, successes=4 * served, admitted=4 * n)
    assert streak.hung(3.9, in_flight=80, admitted=156) > 30
    assert streak.hung(3.9, in_flight=4, admitted=156) == 0, "all but the newest ended"
    assert streak.hung(2.5, in_flight=80, admitted=100) == 0, "the last success is not long ago"
