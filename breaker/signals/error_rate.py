"""Error-rate signal: share of failed calls in the window, or of the latest, against a threshold."""

from math import ceil, log
from typing import Final

from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings

_CHANCE_OF_A_RUN: Final = 0.001
"""Chance that so many calls fail in a row at the threshold's rate that the latest calls suffice."""


class ErrorRateSignal:
    """Compares the error rate of the window, and of the latest calls, with its threshold.

    A window that is long in time holds good calls for longer than an outage lasts. So a run of
    failures suffices that is improbable at the threshold's rate. Calls cut off together count as
    one: only those count that began after the first of the run had failed.
    """

    def __init__(self, settings: Settings) -> None:
        self._threshold = settings.error_threshold
        self.min_calls = min(settings.minimum_calls, settings.latency_window_size)
        by_chance = log(_CHANCE_OF_A_RUN) / log(self._threshold) if self._threshold else 0
        self._run_length = max(self.min_calls, ceil(by_chance))
        self._run = 0
        """Failures in a row that tell of an outage."""
        self._run_began_at = 0.0
        """Time at which the first of them failed."""
        self._last_failure = -1
        """Number of the last failed call in the window."""

    def record(self, sequence: int, start: float, end: float) -> None:
        """Add a failed call with its number in the window."""
        if sequence != self._last_failure + 1 or not self._run:
            self._run, self._run_began_at = 1, end
        elif start >= self._run_began_at:
            self._run += 1
        self._last_failure = sequence

    def breached(self, window: SlidingWindow) -> bool:
        """True if the error rate is above the threshold and there are enough calls. O(1)."""
        n = len(window)
        return (
            self._threshold is not None
            and n >= self.min_calls
            and (window.failure_count > self._threshold * n or self._fails_in_a_row(window))
        )

    def evidence(self, window: SlidingWindow) -> Evidence:
        """Return the evidence of the window, or of the latest calls if these alone suffice."""
        n = len(window)
        if self._threshold and window.failure_count <= self._threshold * n:
            n = min(n, self._run)
            return self._evidence(n, n)
        return self._evidence(n, window.failure_count)

    def _fails_in_a_row(self, window: SlidingWindow) -> bool:
        return self._run >= self._run_length and self._last_failure == window.total - 1

    def _evidence(self, n: int, failed: int) -> Evidence:
        return Evidence(
            signal=Signal.ERRORS,
            value=round(failed / n, 6) if n else 0.0,
            threshold=self._threshold or 0.0,
            unit="fraction",
            samples=n,
            detail={"failed_calls": failed},
        )
