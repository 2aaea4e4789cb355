"""Error-rate signal: share of failed calls in the window, or of the latest, against a threshold."""

from math import inf, log
from typing import Final

from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings

_ABOVE_THRESHOLD: Final = 0.05
"""Chance of so many failures in a row at the threshold's rate."""
_UNUSUAL: Final = 1e-6
"""Chance of so many failures in a row at the rate of the window before them."""
_MIN_SECONDS: Final = 0.1
"""Minimum length of such a row, so that no blip of a busy service counts."""


class ErrorRateSignal:
    """Compares the error rate of the window with its threshold, and looks for failures in a row.

    A window that is long in time is full of good calls for longer than an outage lasts. So a row of
    failures suffices that is improbable at the threshold's rate, and next to impossible at the rate
    before it. Calls that are cut off together count as one: only those count that began after the
    first of the row had failed.
    """

    def __init__(self, settings: Settings) -> None:
        self._threshold = settings.max_error_rate
        self.min_calls = min(settings.minimum_calls, settings.latency_window_size)
        self._min_row = log(_ABOVE_THRESHOLD) / log(self._threshold) if self._threshold else inf
        self.forget()

    def forget(self) -> None:
        """Forget the times of all calls."""
        self._row = self._counted = 0
        """Failures in a row, and those of them that count."""
        self._row_began_at = self._last_end = 0.0
        """Time at which the first of them failed, and the last."""
        self._last_failure = -1
        """Number of the last failed call in the window."""

    def record(self, sequence: int, start: float, end: float) -> None:
        """Add a failed call with its number in the window."""
        if sequence != self._last_failure + 1:
            self._row = self._counted = 0
        if not self._row:
            self._row_began_at = end
        self._row += 1
        self._counted += self._row == 1 or start >= self._row_began_at
        self._last_failure, self._last_end = sequence, end

    def breached(self, window: SlidingWindow) -> bool:
        """True if the error rate is above the threshold and there are enough calls. O(1)."""
        n = len(window)
        return (
            self._threshold is not None
            and n >= self.min_calls
            and (window.failure_count / n > self._threshold or self._fails_in_a_row(window))
        )

    def evidence(self, window: SlidingWindow) -> Evidence:
        """Return the evidence of the window, or of the latest calls if these alone suffice."""
        n = len(window)
        if self._threshold and n and window.failure_count / n <= self._threshold:
            n = min(n, self._row)
            return self._evidence(n, n, in_a_row=True)
        return self._evidence(n, window.failure_count)

    def _fails_in_a_row(self, window: SlidingWindow) -> bool:
        lasts = self._last_end - self._row_began_at >= _MIN_SECONDS
        if not lasts or self._counted < self._min_row or self._last_failure != window.total - 1:
            return False
        before, failed = len(window) - self._row, window.failure_count - self._row
        usual = (max(0, failed) + 1) / (max(0, before) + 2)
        return self._counted * log(usual) <= log(_UNUSUAL)

    def _evidence(self, n: int, failed: int, *, in_a_row: bool = False) -> Evidence:
        return Evidence(
            signal=Signal.ERRORS,
            value=round(failed / n, 6) if n else 0.0,
            threshold=self._threshold or 0.0,
            unit="fraction",
            samples=n,
            detail={"failed_calls": failed, "in_a_row": in_a_row},
        )
