"""Chance that spreads the waits of many processes."""

import random
from collections.abc import Callable

from breakerd.breaker.clock import CLOCK


def default_jitter(clock: Callable[[], float]) -> Callable[[], float]:
    """Return chance on the real clock, and none on another, so that a run can be repeated."""
    return random.random if CLOCK.stands_for(clock) else lambda: 0.0
