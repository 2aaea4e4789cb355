"""Calls as they are outside of a benchmark: of all durations, some slow, some failed.

The calls themselves do nothing here too. What is reported is a duration drawn beforehand, as time
before the real end; the empty pair is given the same.
"""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice

from benchmarks.calls.breaker_under_test import Subject, entered
from benchmarks.calls.comparison import Contest, Contestant, Row, Unwatched
from benchmarks.calls.features import SLO
from benchmarks.calls.noop_pair import EmptyBreaker, nothing
from benchmarks.calls.timed_loop import Loop, plain
from benchmarks.harness.figures import Effort, Figure
from breakerd import LimiterSettings, Settings

DRAWN = 4096
SLOW = 0.08
"""Seconds; above the threshold of these breakers, and below their time-out."""
FORM = "an empty pair in the same form"
BODY = """
if b.allow():
    start = clock()
    f()
    end = clock()
    b.done(end - next(seconds), end, error=next(errors))
"""
ALL = "durations over many buckets"
MIXED = "half a percent slow, 1 % failed"
ROWS = [
    Row(FORM, FORM, "", note="clock() is time.monotonic; done is given a drawn duration, an error"),
    Row(ALL, ALL, FORM, label=FORM, note="lognormal about 5 ms"),
    Row("1 % slow", "slow", FORM, label=FORM, note="above the threshold; too few to trip"),
    Row("1 % failed", "failed", FORM, label=FORM),
    Row("10 % failed", "failing", FORM, label=FORM),
    Row(f"{MIXED}, with trend analysis", "trend", FORM, label=FORM),
    Row(f"{MIXED}, with self-tuning and limiter", "slo", FORM, label=FORM),
]


def measure(effort: Effort) -> list[Figure]:
    """Good calls of all durations, and with more and more that need a closer look."""
    tuned = Settings(slo=SLO, limiter=LimiterSettings(enabled=True), latency_threshold=50)
    plain_settings = Settings(latency_threshold=50, error_threshold=0.5)
    trend = plain_settings.model_copy(update={"trend_analysis_enabled": True})
    with ExitStack() as stack:
        subjects = {
            ALL: Subject(plain_settings),
            "slow": Subject(plain_settings),
            "failed": Subject(plain_settings),
            "failing": Subject(plain_settings),
            "trend": Subject(trend),
            "slo": Subject(tuned),
        }
        entered(stack, subjects)
        time.sleep(2 * SLOW)  # a call that is said to have begun before the breaker counts for less
        mixtures = {
            ALL: calls(),
            "slow": calls(slow_every=100),
            "failed": calls(failed_every=100),
            "failing": calls(failed_every=10),
            "trend": calls(slow_every=200, failed_every=100),
            "slo": calls(slow_every=200, failed_every=100),
        }
        field = [Contestant(FORM, empty_form(), Unwatched())]
        for name, one in subjects.items():
            field.append(one.contestant(name, BODY, **mixtures[name]))
        return Contest(effort, field).run().figures(ROWS)


def empty_form() -> Loop:
    """The empty pair, told as much as a breaker is."""
    return plain(BODY, b=EmptyBreaker(), clock=time.monotonic, f=nothing, **calls())


def calls(*, slow_every: int = 0, failed_every: int = 0) -> dict[str, Iterator[object]]:
    """Endless durations and outcomes; the odd ones stand evenly, so that none crowd in a window."""
    chance = random.Random(1)  # noqa: S311 - the same calls at every run
    drawn = (chance.lognormvariate(-5.3, 0.8) for _ in iter(int, 1))
    seconds = list(islice((value for value in drawn if value < 0.04), DRAWN))
    if slow_every:
        seconds[::slow_every] = [SLOW] * len(seconds[::slow_every])
    errors = [bool(failed_every) and number % failed_every == 7 for number in range(DRAWN)]
    return {"seconds": cycle(seconds), "errors": cycle(errors)}
