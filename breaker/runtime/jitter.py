"""Chance that spreads the waits of many processes."""

import random
import time
from collections.abc import Callable


def default_jitter(clock: Callable[[], float]) -> Callable[[], float]:
    """Return chance on the real clock, and none on another, so that a run can be repeated."""
    return random.random if clock is time.monotonic else lambda: 0.0
