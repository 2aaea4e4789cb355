"""Cost of realistic calls: of all durations, some slow, some failed.

The calls do nothing here either. The reported duration is drawn beforehand and subtracted from the
real end; the no-op pair gets the same.
"""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice
from typing import Final

from benchmarks.calls.breaker_under_test import BreakerUnderTest, enter_all
from benchmarks.calls.settings_cost import SLO
from benchmarks.harness.comparison import Candidate, Comparison, NoCheck, Row
from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.noop_pair import NoopBreaker, nothing
from benchmarks.harness.timed_loop import Loop, plain
from breakerd import LimiterSettings, Settings

DRAWN: Final = 4096
"""Number of durations drawn, after which they repeat."""
SLOW: Final = 0.08
"""Seconds of a slow call: above the threshold of these breakers, below their time-out."""
FORM: Final = "a no-op pair in the same form"
BODY: Final = """
if b.allow():
    start = clock()
    f()
    end = clock()
    b.done(end - next(seconds), end, error=next(errors))
"""
ALL: Final = "durations over many buckets"
MIXED: Final = "half a percent slow, 1 % failed"
ROWS: Final = [
    Row(FORM, FORM, "", note="clock() is time.monotonic; done gets a drawn duration and outcome"),
    Row(ALL, ALL, FORM, label=FORM, note="lognormal about 5 ms"),
    Row("1 % slow", "slow", FORM, label=FORM, note="above the threshold; too few to trip"),
    Row("1 % failed", "failed", FORM, label=FORM),
    Row("10 % failed", "failing", FORM, label=FORM),
    Row(f"{MIXED}, with trend analysis", "trend", FORM, label=FORM),
    Row(f"{MIXED}, with self-tuning and limiter", "slo", FORM, label=FORM),
]


def measure(effort: Effort) -> list[Figure]:
    """Measure good calls of all durations, then mixtures with more and more bad ones."""
    tuned = Settings(slo=SLO, limiter=LimiterSettings(enabled=True), latency_threshold=50)
    thresholds = Settings(latency_threshold=50, error_threshold=0.5)
    trend = thresholds.model_copy(update={"trend_analysis_enabled": True})
    with ExitStack() as stack:
        subjects = {
            ALL: BreakerUnderTest(thresholds),
            "slow": BreakerUnderTest(thresholds),
            "failed": BreakerUnderTest(thresholds),
            "failing": BreakerUnderTest(thresholds),
            "trend": BreakerUnderTest(trend),
            "slo": BreakerUnderTest(tuned),
        }
        enter_all(stack, subjects)
        time.sleep(2 * SLOW)  # calls that began before the breaker have less weight
        mixtures = {
            ALL: calls(),
            "slow": calls(slow_every=100),
            "failed": calls(failed_every=100),
            "failing": calls(failed_every=10),
            "trend": calls(slow_every=200, failed_every=100),
            "slo": calls(slow_every=200, failed_every=100),
        }
        candidates = [Candidate(FORM, noop_form(), NoCheck())]
        for name, one in subjects.items():
            candidates.append(one.candidate(name, BODY, **mixtures[name]))
        return Comparison(effort, candidates).run().figures(ROWS)


def noop_form() -> Loop:
    """Return the no-op pair with the same arguments as a breaker."""
    return plain(BODY, b=NoopBreaker(), clock=time.monotonic, f=nothing, **calls())


def calls(*, slow_every: int = 0, failed_every: int = 0) -> dict[str, Iterator[object]]:
    """Return endless durations and outcomes; bad ones are spread evenly, so none cluster."""
    chance = random.Random(1)  # noqa: S311 - the same calls in every run
    drawn = (chance.lognormvariate(-5.3, 0.8) for _ in iter(int, 1))
    seconds = list(islice((value for value in drawn if value < 0.04), DRAWN))
    if slow_every:
        seconds[::slow_every] = [SLOW] * len(seconds[::slow_every])
    errors = [bool(failed_every) and number % failed_every == 7 for number in range(DRAWN)]
    return {"seconds": cycle(seconds), "errors": cycle(errors)}
