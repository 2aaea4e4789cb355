"""Breakers whose memory is measured, and their calls.

Nothing runs in the background. On a simulated clock every run is the same; on the real one calls
use the fast path, and tick in place of the ticker.
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
"""Approximate seconds of a call: short, since only calls move the simulated clock."""


def make(kind: str, window: int, clock: Callable[[], float] = time.monotonic) -> Breaker:
    """Return a breaker of `kind` with settings of its own, as one from a file has."""
    # One probe and no ramp: closed again with the first call after the wait.
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
    """Make `count` calls on the real clock."""
    allow, done, clock = breaker.allow, breaker.done, breaker.clock
    for _ in repeat(None, count):
        if allow():
            start = clock()
            done(start, clock())


def drive(breaker: Breaker, clock: ManualClock, count: int) -> None:
    """Make `count` calls on a simulated clock, all of different durations."""
    allow, done, seconds = breaker.allow, breaker.done, _CALL
    for _ in range(count):
        if allow():
            start = clock.now
            # The numbers are new objects each time, as those of a real clock are.
            seconds += (_CALL - seconds) * 0.1 + start % 1e-6
            clock.now = start + seconds
            done(start, clock.now)


def cycle(breaker: Breaker, clock: ManualClock) -> None:
    """Trip the breaker, and let it recover through a probe: three transitions."""
    breaker.trip()
    while breaker.state is not State.CLOSED:
        clock.now += 1.0
        drive(breaker, clock, 5)


def _unknown() -> None:
    """Return None: the memory in use is unknown."""
