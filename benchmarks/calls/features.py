"""What each thing that a breaker can do costs a call that goes well."""

import time
from contextlib import ExitStack

from benchmarks.calls import noop_pair as empty_pair
from benchmarks.calls.breaker_under_test import Subject, entered
from benchmarks.calls.comparison import Contest, Row
from benchmarks.calls.noop_pair import EMPTY
from benchmarks.harness.figures import Effort, Figure
from breakerd import Breaker, LimiterSettings, LoadSettings, Settings, Slo, State

SLO = Slo(success_rate=0.95, timeout=2.0, warmup=0)
ROWS = [
    empty_pair.ROW,
    Row("allow + done", "plain", EMPTY, "<= 1.3", "window 64, memory on, the clock bound once"),
    Row("with trend analysis", "trend", EMPTY, "<= 1.4"),
    Row("with an error threshold", "errors", EMPTY),
    Row("with load watched", "load", EMPTY, note="pressure, load average, loop lag"),
    Row("with limiter", "limiter", EMPTY, "<= 1.7", "all is well, so it has no limit to keep"),
    Row("with limiter, limit in force", "limited", EMPTY, "<= 1.7", "max_limit = 1000"),
    Row("with self-tuning, warming up", "warming up", EMPTY),
    Row("with self-tuning", "slo", EMPTY),
    Row("with self-tuning and limiter", "slo and limiter", EMPTY, "<= 2.0"),
    Row("with a clock of its own", "clock", EMPTY, note="perf_counter; calls let time pass"),
    Row("disabled", "disabled", EMPTY),
]


def measure(effort: Effort) -> list[Figure]:
    """Plain, and with one thing after the other."""
    with ExitStack() as stack:
        subjects = entered(stack, contestants())
        field = [one.contestant(name) for name, one in subjects.items()]
        return Contest(effort, [empty_pair.contestant(), *field]).run().figures(ROWS)


def contestants() -> dict[str, Subject]:
    """A breaker for each row."""
    limiter = LimiterSettings(enabled=True)
    load = LoadSettings(cpu_pressure_threshold=99, load_threshold=1000, loop_lag_threshold=10_000)
    warming = Slo(success_rate=0.95, timeout=2.0, warmup=86_400)
    limited = Settings(limiter=LimiterSettings(enabled=True, max_limit=1000))
    return {
        "plain": Subject(),
        "trend": Subject(Settings(trend_analysis_enabled=True)),
        "errors": Subject(Settings(error_threshold=0.5)),
        "load": Subject(Settings(load=load)),
        "limiter": Subject(Settings(limiter=limiter)),
        "limited": Subject(limited),
        "warming up": Subject(Settings(slo=warming), state=State.WARMING_UP),
        "slo": Subject(Settings(slo=SLO)),
        "slo and limiter": Subject(Settings(slo=SLO, limiter=limiter)),
        "clock": Subject(Breaker(clock=time.perf_counter)),
        "disabled": Subject(state=State.DISABLED, prepare=Breaker.disable),
    }
