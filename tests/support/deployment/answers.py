"""Questions to a service under test, and its answers: one worker tells of itself."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Any

from breakerd import Breaker, Breakerd, BreakerOpenError

HOLD = 0.03
"""Seconds for which a worker is busy with a question, so that the next one goes to another."""


class ProviderError(Exception):
    """The dependency failed."""


def answer(breakers: Breakerd, payments: Breaker, action: str) -> dict[str, Any]:
    """Execute an action in this worker, and return what it is like afterwards.

    Args:
        breakers: the root of this process.
        payments: the breaker that guards the dependency.
        action: "fail" for enough failed calls to trip, "pay" for one that succeeds; anything else
            makes no call.
    """
    if action == "fail":
        for _ in range(20):
            with suppress(ProviderError, BreakerOpenError), payments.guard():
                raise ProviderError
    elif action == "pay":
        with suppress(BreakerOpenError), payments.guard():
            pass
    status = payments.status()
    time.sleep(HOLD)
    return {
        "pid": os.getpid(),
        "state": status["state"],
        "threshold": status["latency_threshold_ms"],
        "not_running": breakers.not_running(),
    }
