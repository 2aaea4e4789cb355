"""The breakers whose memory is measured, and calls at them.

Nothing runs in the background: on a clock that is driven every run does the same, and on the real
one calls go through the hot path, and let time pass when the ticker does not.
"""

import time
from collections.abc import Callable
from itertools import repeat
from typing import Final

from breakerd import Breaker, LimiterSettings, RecoverySettings, Settings, Slo, State
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.testing import ManualClock

PLAIN: Final = "plain"
TUNED: Final = "self-tuning"

_CALL: Final = 2e-5
"""Seconds that a call takes, more or less: few enough for a clock on which calls are all."""


def make(kind: str, window: int, clock: Callable[[], float] = time.monotonic) -> Breaker:
    """A breaker with settings of its own, as one of a file has them."""
    # Back from open with the first call after the wait: many transitions in little time.
    recovery = RecoverySettings(probes=1, ramp=())
    if kind == PLAIN:
        settings = Settings(latency_window_size=window, wait_time=1, recovery=recovery)
    else:
        settings = Settings(
            latency_window_size=window,
            slo=Slo(success_rate=0.95, timeout=1, warmup=0),
            limiter=LimiterSettings(enabled=True),
            recovery=recovery,
        )
    breaker = Breaker(settings, clock=clock, memory=_unknown)
    TICKER.discard(breaker._core)  # noqa: SLF001 - not to be ticked
    return breaker


def call(breaker: Breaker, count: int) -> None:
    """Makes `count` calls on the real clock."""
    allow, done, clock = breaker.allow, breaker.done, breaker.clock
    for _ in repeat(None, count):
        if allow():
            start = clock()
            done(start, clock())


def drive(breaker: Breaker, clock: ManualClock, count: int) -> None:
    """Makes `count` calls on a driven clock, no two of one duration."""
    allow, done, seconds = breaker.allow, breaker.done, _CALL
    for _ in range(count):
        if allow():
            start = clock.now
            # The numbers are new objects each time, as a clock's are.
            seconds += (_CALL - seconds) * 0.1 + start % 1e-6
            clock.now = start + seconds
            done(start, clock.now)


def cycle(breaker: Breaker, clock: ManualClock) -> None:
    """From closed to open and back by itself, through the probes: three transitions."""
    breaker.trip()
    while breaker.state is not State.CLOSED:
        clock.now += 1.0
        drive(breaker, clock, 5)


def _unknown() -> None:
    """The memory in use, which is not looked at."""
