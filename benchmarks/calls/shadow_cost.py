"""Cost of a candidate in the shadow for a call: each breaker beside the same one without.

`ratio` is that of a call with the candidate to one without; the bound is 1.5, as a candidate may
cost half of a call's own cost.
"""

import random
import time
from contextlib import ExitStack
from itertools import cycle
from typing import Final

from benchmarks.calls.breaker_under_test import BreakerUnderTest, enter_all
from benchmarks.calls.settings_cost import SLO
from benchmarks.harness.comparison import Candidate, Comparison, Row
from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.noop_pair import nothing
from breakerd import CandidateSettings, LimiterSettings, Settings

BOUND: Final = "<= 1.5"
GIVEN: Final = """
if b.allow():
    start = clock()
    f()
    end = clock()
    b.done(end - next(seconds), end)
"""
LIMITER: Final = LimiterSettings(enabled=True)
TUNED: Final = Settings(slo=SLO, limiter=LIMITER)
OPEN: Final = CandidateSettings(
    latency_threshold=5, percentile=0.5, minimum_calls=1, wait_time=3600
)
"""Trips by calls of 6 ms, and stays open."""

PAIRS: Final[dict[str, tuple[Settings, CandidateSettings]]] = {
    "another threshold": (Settings(), CandidateSettings(latency_threshold=300)),
    "a service level": (Settings(), CandidateSettings(slo=SLO)),
    "a limiter": (Settings(), CandidateSettings(limiter=LIMITER)),
    "a service level and a limiter": (Settings(), CandidateSettings(slo=SLO, limiter=LIMITER)),
    "self-tuning, another time-out": (
        TUNED,
        CandidateSettings(slo=SLO.model_copy(update={"timeout": 1.0})),
    ),
    "a limit in force": (
        Settings(limiter=LimiterSettings(enabled=True, max_limit=1000)),
        CandidateSettings(limiter=LimiterSettings(enabled=True, max_limit=500)),
    ),
}
"""Settings in force, and candidate, by what it has otherwise; the calls are quick."""
MIXES: Final[dict[str, tuple[Settings, CandidateSettings, tuple[float, ...]]]] = {
    "calls of all durations": (
        Settings(),
        CandidateSettings(latency_threshold=300),
        tuple(random.Random(1).lognormvariate(-5.3, 1) for _ in range(512)),  # noqa: S311 - for a load
    ),
    "2 % slow for the candidate only": (
        Settings(),
        CandidateSettings(latency_threshold=50),
        (*[0.01] * 49, 0.08),
    ),
    "2 % slow for both": (
        Settings(latency_threshold=50),
        CandidateSettings(latency_threshold=60),
        (*[0.01] * 49, 0.08),
    ),
    "an open candidate": (Settings(), OPEN, (*[0.006] * 48, *[0.004] * 16)),
}
"""The same with durations, in seconds, that are given in this order again and again."""


def measure(effort: Effort) -> list[Figure]:
    """Measure each pair side by side, in one run."""
    return [*_measure_quick(effort), *_measure_given(effort)]


def _measure_quick(effort: Effort) -> list[Figure]:
    with ExitStack() as stack:
        subjects: dict[str, BreakerUnderTest] = {}
        for name, (active, candidate) in PAIRS.items():
            subjects |= _pair(name, active, candidate)
        enter_all(stack, subjects)
        candidates = [one.candidate(name) for name, one in subjects.items()]
        return Comparison(effort, candidates).run().figures(_rows(list(PAIRS)))


def _measure_given(effort: Effort) -> list[Figure]:
    with ExitStack() as stack:
        candidates: list[Candidate] = []
        for name, (active, candidate, seconds) in MIXES.items():
            for one_name, one in enter_all(stack, _pair(name, active, candidate)).items():
                given = {"clock": time.monotonic, "f": nothing, "seconds": cycle(seconds)}
                candidates.append(one.candidate(one_name, GIVEN, **given))
        time.sleep(0.2)  # so that none began before its breaker
        return Comparison(effort, candidates).run().figures(_rows(list(MIXES)))


def _pair(name: str, active: Settings, candidate: CandidateSettings) -> dict[str, BreakerUnderTest]:
    shadowed = active.model_copy(update={"candidate": candidate})
    return {_without(name): BreakerUnderTest(active), name: BreakerUnderTest(shadowed)}


def _rows(names: list[str]) -> list[Row]:
    rows: list[Row] = []
    for name in names:
        without = _without(name)
        rows += [
            Row(without, without, ""),
            Row(f"candidate: {name}", name, without, BOUND, label="the same without a candidate"),
        ]
    return rows


def _without(name: str) -> str:
    return f"no candidate ({name})"
