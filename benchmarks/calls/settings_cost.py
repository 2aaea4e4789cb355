"""Cost of settings for a call: features, window sizes, and latency above its threshold."""

import time
from contextlib import ExitStack
from itertools import cycle
from typing import Final

from benchmarks.calls.breaker_under_test import BreakerUnderTest, enter_all
from benchmarks.harness import noop_pair
from benchmarks.harness.comparison import Candidate, Comparison, NoCheck, Row, WrongStateError
from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.noop_pair import NOOP, NoopBreaker, nothing
from benchmarks.harness.timed_loop import plain
from benchmarks.peers.naive_go_breaker import NaiveGoBreaker
from benchmarks.peers.peer import Peer, attribute
from breakerd import Breaker, LimiterSettings, LoadSettings, Settings, Slo, State

SLO: Final = Slo(success_rate=0.95, timeout=2.0, warmup=0)
FEATURE_ROWS: Final = [
    noop_pair.ROW,
    Row("allow + done", "plain", NOOP, "<= 1.3", "window 64, memory on, the clock bound once"),
    Row("with trend analysis", "trend", NOOP, "<= 1.4"),
    Row("with an error threshold", "errors", NOOP),
    Row("with load thresholds", "load", NOOP, note="pressure, load average, loop lag"),
    Row("with limiter", "limiter", NOOP, "<= 1.7", "healthy, so no limit is in force"),
    Row("with limiter, limit in force", "limited", NOOP, "<= 1.7", "max_limit = 1000"),
    Row("with self-tuning, warming up", "warming up", NOOP),
    Row("with self-tuning", "slo", NOOP),
    Row("with self-tuning and limiter", "slo and limiter", NOOP, "<= 2.0"),
    Row("with a clock of its own", "clock", NOOP, note="perf_counter; the calls themselves tick"),
    Row("disabled", "disabled", NOOP),
]

WINDOWS: Final = (64, 1024, 65536)
WINDOW_ROWS: Final = [
    *(Row(f"window {size:,}", str(size), NOOP) for size in WINDOWS),
    Row("window 65,536 against 64", "65536", "64", "<= 1.05", label="window 64"),
]

THRESHOLD: Final = 0.05
"""Seconds."""
SECONDS: Final = (0.005, 0.004, 0.08, 0.006, 0.003, 0.007, 0.08, 0.005)
"""Durations of the calls, repeated in this order: a quarter is slow, without a trend."""
GIVEN: Final = "a no-op pair, durations given"
GIVEN_BODY: Final = """
if b.allow():
    start = clock()
    f()
    end = clock()
    b.done(end - next(seconds), end)
"""
SLOW_WINDOWS: Final = (64, 1024)
SLOW_NOTE: Final = "a quarter of the calls is slow, and latency does not rise"


def measure(effort: Effort) -> list[Figure]:
    """Measure features, window sizes and latency above its threshold, each in a comparison."""
    return [
        *measure_features(effort),
        *measure_windows(effort),
        *measure_above_threshold(effort),
    ]


def measure_features(effort: Effort) -> list[Figure]:
    """Measure the plain breaker, and one with each feature."""
    with ExitStack() as stack:
        subjects = enter_all(stack, featured())
        candidates = [one.candidate(name) for name, one in subjects.items()]
        comparison = Comparison(effort, [noop_pair.candidate(), *candidates])
        return comparison.run().figures(FEATURE_ROWS)


def featured() -> dict[str, BreakerUnderTest]:
    """Return a breaker for each row."""
    limiter = LimiterSettings(enabled=True)
    load = LoadSettings(cpu_pressure_threshold=99, load_threshold=1000, loop_lag_threshold=10_000)
    warming = Slo(success_rate=0.95, timeout=2.0, warmup=86_400)
    limited = Settings(limiter=LimiterSettings(enabled=True, max_limit=1000))
    return {
        "plain": BreakerUnderTest(),
        "trend": BreakerUnderTest(Settings(trend_analysis_enabled=True)),
        "errors": BreakerUnderTest(Settings(error_threshold=0.5)),
        "load": BreakerUnderTest(Settings(load=load)),
        "limiter": BreakerUnderTest(Settings(limiter=limiter)),
        "limited": BreakerUnderTest(limited),
        "warming up": BreakerUnderTest(Settings(slo=warming), state=State.WARMING_UP),
        "slo": BreakerUnderTest(Settings(slo=SLO)),
        "slo and limiter": BreakerUnderTest(Settings(slo=SLO, limiter=limiter)),
        "clock": BreakerUnderTest(Breaker(clock=time.perf_counter)),
        "disabled": BreakerUnderTest(state=State.DISABLED, prepare=Breaker.disable),
    }


def measure_windows(effort: Effort) -> list[Figure]:
    """Measure each size in steady state: the window is full before and after."""
    with ExitStack() as stack:
        subjects = enter_all(stack, {str(size): filled(size) for size in WINDOWS})
        candidates = [one.candidate(name) for name, one in subjects.items()]
        comparison = Comparison(effort, [noop_pair.candidate(), *candidates]).run()
        for one in subjects.values():
            require_full(one)
        return comparison.figures(WINDOW_ROWS)


def filled(size: int) -> BreakerUnderTest:
    """Return a breaker with a full window of `size` calls, which do not expire meanwhile."""
    one = BreakerUnderTest(Settings(latency_window_size=size, latency_max_age=3600), fill=size)
    require_full(one)
    return one


def require_full(one: BreakerUnderTest) -> None:
    """Verify that the window is full.

    Raises:
        WrongStateError: it is not.
    """
    status = one.breaker.status()
    if status["window_calls"] != status["latency_window_size"]:
        raise WrongStateError(f"the window holds {status['window_calls']} calls")


def measure_above_threshold(effort: Effort) -> list[Figure]:
    """Measure ours and the naive port above the latency threshold, without a rise.

    With trend analysis they must stay closed, so they examine the trend again and again: the
    hardest case to do cheaply.
    """
    candidates = [Candidate(GIVEN, plain(GIVEN_BODY, b=NoopBreaker(), **given()), NoCheck())]
    rows = [Row(GIVEN, GIVEN, "")]
    with ExitStack() as stack:
        names = {size: f"over the threshold, window {size:,}" for size in SLOW_WINDOWS}
        ours = enter_all(stack, {name: with_trend(size) for size, name in names.items()})
        time.sleep(2 * max(SECONDS))  # calls that began before the breaker have less weight
        candidates += [one.candidate(name, GIVEN_BODY, **given()) for name, one in ours.items()]
        for size in SLOW_WINDOWS:
            peer = naive_with_trend(size)
            candidates.append(Candidate(peer.name, plain(peer.body, **peer.names), peer))
        rows += [
            Row(one.name, one.name, GIVEN, label=GIVEN, note=SLOW_NOTE) for one in candidates[1:]
        ]
        return Comparison(effort, candidates).run().figures(rows)


def with_trend(size: int) -> BreakerUnderTest:
    """Return a breaker with trend analysis and an empty window: quick calls would make a rise."""
    settings = Settings(
        latency_threshold=THRESHOLD * 1000, latency_window_size=size, trend_analysis_enabled=True
    )
    return BreakerUnderTest(settings, fill=0)


def naive_with_trend(size: int) -> Peer:
    """Return the port of go-breaker in the same situation."""
    breaker = NaiveGoBreaker(window=size, threshold=THRESHOLD * 1000, trend=True)
    breaker.samples = [1000 * SECONDS[n % len(SECONDS)] for n in range(size)]
    return Peer(
        f"naive go-breaker over the threshold, window {size:,}",
        GIVEN_BODY,
        {"b": breaker, **given()},
        attribute(breaker, "tripped"),
        closed=False,
        note=SLOW_NOTE,
    )


def given() -> dict[str, object]:
    """Return the values of the names in `GIVEN_BODY`, except the breaker."""
    return {"clock": time.monotonic, "f": nothing, "seconds": cycle(SECONDS)}
