"""Error-rate signal: share of failed calls in the window against an optional threshold."""

from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings


class ErrorRateSignal:
    """Compares the error rate of the window with its threshold."""

    def __init__(self, settings: Settings) -> None:
        self._threshold = settings.error_threshold
        self.min_calls = min(settings.minimum_calls, settings.latency_window_size)

    def breached(self, window: SlidingWindow) -> bool:
        """True if the error rate is above the threshold and there are enough calls. O(1)."""
        n = len(window)
        return (
            self._threshold is not None
            and n >= self.min_calls
            and window.failure_count / n > self._threshold
        )

    def evidence(self, window: SlidingWindow) -> Evidence:
        """Return the evidence of the window."""
        n = len(window)
        return Evidence(
            signal=Signal.ERRORS,
            value=round(window.failure_count / n, 6) if n else 0.0,
            threshold=self._threshold or 0.0,
            unit="fraction",
            samples=n,
            detail={"failed_calls": window.failure_count},
        )
