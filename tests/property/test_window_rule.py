"""Verdicts and evidence of the window against the rule of `docs/engine.md`, over a plain list."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakerd import Breaker, Evidence, Settings, Signal, State, Transition
from breakerd.breaker.testing import EventLog, ManualClock


@dataclass(frozen=True)
class Call:
    """A call, `gap` seconds after the last; it is reported `late` seconds after its end."""

    gap: float
    seconds: float
    failed: bool
    late: float = 0.0


@dataclass
class NaiveWindow:
    """All calls in a list, filtered and sorted at each question."""

    settings: Settings
    calls: list[tuple[float, float, bool]] = field(default_factory=list)
    """(end, seconds, failed) of each call, in the order of the reports."""

    def at(self, now: float) -> list[tuple[float, float, bool]]:
        oldest = now - self.settings.latency_max_age
        newest = self.calls[-self.settings.latency_window_size :]
        self.calls = [call for call in newest if call[0] >= oldest]
        return self.calls

    def percentile(self, now: float) -> float:
        latencies = sorted(seconds for _, seconds, _ in self.at(now))
        n = len(latencies)
        return latencies[min(int(n * self.settings.percentile), n - 1)] if n else 0.0

    def evidence(self, now: float) -> list[tuple[Signal, float, int, int]]:
        """Return (signal, value, calls, calls that speak against it) of each reason to open."""
        kept, rule = self.at(now), self.settings
        if len(kept) < min(rule.minimum_calls, rule.latency_window_size):
            return []
        found: list[tuple[Signal, float, int, int]] = []
        if (value := self.percentile(now)) > rule.latency_threshold / 1000:
            slow = sum(seconds > rule.latency_threshold / 1000 for _, seconds, _ in kept)
            found.append((Signal.LATENCY, round(value * 1000, 3), len(kept), slow))
        failed = sum(error for _, _, error in kept)
        if rule.error_threshold is not None and failed / len(kept) > rule.error_threshold:
            found.append((Signal.ERRORS, round(failed / len(kept), 6), len(kept), failed))
        return found


class Comparison:
    """One history of calls and settings, through a breaker and the plain list."""

    def __init__(self, rule: Settings) -> None:
        self.clock = ManualClock()
        self.log = EventLog()
        self.breaker = Breaker(rule, clock=self.clock, memory=lambda: 0.1)
        self.breaker.subscribe(self.log)
        self.naive = NaiveWindow(rule)
        self.openings = 0

    def take(self, step: Call | Settings) -> None:
        if isinstance(step, Settings):
            self.naive.at(self.clock())
            self.naive.settings = step
            self.naive.calls = self.naive.calls[-step.latency_window_size :]
            self.breaker.apply(step)
        else:
            self._call(step)
        self.breaker.tick()
        self._compare()

    def _call(self, call: Call) -> None:
        self.clock.advance(call.gap)
        self.breaker.tick()
        self._compare()
        assert self.breaker.allow()
        start = self.clock()
        self.clock.advance(call.seconds)
        end = self.clock()
        self.clock.advance(call.late)
        self.breaker.done(start, end, error=call.failed)
        self.naive.calls.append((end, end - start, call.failed))

    def _compare(self) -> None:
        now, kept = self.clock(), self.naive.at(self.clock())
        expected = self.naive.evidence(now)
        assert (self.breaker.state is State.OPEN) is bool(expected)
        if expected:
            assert [_figures(each) for each in self.log.of(Transition)[-1].evidence] == expected
            self.openings += 1
            self.breaker.reset()
            self.naive.calls.clear()
            return
        status = self.breaker.status()
        assert status["window_calls"] == len(kept)
        milliseconds = round(self.naive.percentile(now) * 1000, 3) if kept else None
        assert status["current_percentile_exact_ms"] == milliseconds
        failed = sum(error for _, _, error in kept)
        assert status["error_rate"] == (round(failed / len(kept), 6) if kept else 0.0)


def _figures(evidence: Evidence) -> tuple[Signal, float, int, int]:
    counted = {Signal.LATENCY: "slow_calls", Signal.ERRORS: "failed_calls"}[evidence.signal]
    return evidence.signal, evidence.value, evidence.samples, int(evidence.detail[counted])


def _rule(
    size: int, age: float, least: int, percentile: float, threshold: int, errors: float | None
) -> Settings:
    return Settings(
        latency_window_size=size,
        latency_max_age=age,
        minimum_calls=least,
        percentile=percentile,
        latency_threshold=threshold,
        error_threshold=errors,
    )


rules = st.builds(
    _rule,
    size=st.sampled_from([1, 3, 8, 20, 64]),
    age=st.sampled_from([0.5, 3.0, 20.0, 60.0]),
    least=st.integers(1, 20),
    percentile=st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99]),
    threshold=st.sampled_from([100, 300, 1000]),
    errors=st.sampled_from([None, 0.1, 0.29, 0.5, 0.7]),
)
calls = st.builds(
    Call,
    gap=st.sampled_from([0.0, 0.001, 0.1, 0.6, 5.0, 70.0]),
    seconds=st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.4, 2.0]),
    failed=st.booleans(),
    late=st.sampled_from([0.0, 0.0, 0.0, 0.2, 2.0, 80.0]),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rules, st.lists(st.one_of(*[calls] * 9, rules), min_size=20, max_size=60))
def test_every_verdict_and_its_evidence_are_those_of_the_rule(
    rule: Settings, steps: list[Call | Settings]
) -> None:
    comparison = Comparison(rule)
    for step in steps:
        comparison.take(step)


@pytest.mark.parametrize("seed", range(8))
def test_long_histories_follow_the_rule(seed: int) -> None:
    rng = random.Random(seed)

    def rule() -> Settings:
        return _rule(
            size=rng.choice([1, 5, 16, 64]),
            age=rng.choice([2.0, 10.0, 60.0]),
            least=rng.randint(1, 20),
            percentile=rng.choice([0.5, 0.9, 0.95]),
            threshold=rng.choice([100, 300]),
            errors=rng.choice([None, 0.29, 0.5]),
        )

    comparison = Comparison(rule())
    bad = 0.0
    for _ in range(400):
        if rng.random() < 0.05:
            bad = rng.choice([0.0, 0.1, 0.5, 0.6])
        if rng.random() < 0.01:
            comparison.take(rule())
        seconds = rng.choice([0.2, 0.5]) if rng.random() < bad / 2 else rng.uniform(0, 0.1)
        late = rng.choice([0.0] * 9 + [1.0])
        comparison.take(Call(rng.expovariate(10), seconds, rng.random() < bad, late))
    assert comparison.openings


def test_half_of_the_calls_failing_is_not_more_than_half() -> None:
    comparison = Comparison(_rule(64, 60.0, 10, 0.95, 1500, 0.5))
    for n in range(200):
        comparison.take(Call(0.01, 0.01, failed=n % 2 == 1))
    assert comparison.openings == 0
