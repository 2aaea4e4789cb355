"""Latency signal: percentile against its threshold, and the trend if trend analysis is on."""

from typing import Final

from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings
from breakerd.breaker.signals.hang import HangSignal
from breakerd.breaker.signals.slow_episode import SlowEpisode
from breakerd.breaker.signals.trend import (
    TREND_SAMPLES,
    TRIPPING_TRENDS,
    TrendKind,
    classify,
    describe,
)

_FEWEST_HANG: Final = 3
"""Calls that hang, at least: of a few, nobody may ever report the end."""
_TREND_UPDATES_PER_WINDOW: Final = 8
"""Number of trend classifications per full window of new calls."""


class LatencySignal:
    """Compares latency with its threshold, and decides if that opens the breaker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._enabled = settings.watches_latency
        trend = settings.trend_analysis_enabled
        wanted = settings.trend_analysis_min_sample_count if trend else settings.minimum_calls
        # A window smaller than the minimum would never trip.
        self.min_calls = min(wanted, settings.latency_window_size)
        self.forget()
        self._classified_at = -1
        self._trend = TrendKind.FLAT

    def forget(self) -> None:
        """Forget the times of all calls."""
        self._episode = SlowEpisode(self._settings.latency_threshold / 1000)

    def record(self, sequence: int, start: float, end: float) -> None:
        """Take the times of a call that is slow or failed, with its number in the window."""
        slow = end - start > self._settings.latency_threshold / 1000
        if slow and self._settings.trend_analysis_enabled:
            self._episode.record(sequence, start, end)

    def breached(self, window: SlidingWindow) -> bool:
        """True if the percentile is above the threshold and there are enough calls. O(1)."""
        return self._enabled and len(window) >= self.min_calls and window.percentile_exceeded

    def hangs(self, window: SlidingWindow, calls: int, *, blocked: bool) -> bool:
        """Return whether it is so with so many slow calls that have not ended. O(1).

        `blocked` is True if no further call may begin, so that fewer than enough must suffice.
        """
        enough = calls >= _FEWEST_HANG and len(window) + calls >= self.min_calls
        return self._enabled and calls > 0 and (blocked or enough) and window.exceeds_with(calls)

    def trips(self, window: SlidingWindow) -> bool:
        """True if a breach, found by `breached`, should open the breaker."""
        if not self._settings.trend_analysis_enabled:
            return True
        return self._trend_of(window) in TRIPPING_TRENDS and self._episode.lasts(window.oldest)

    def trips_on(self, hang: HangSignal) -> bool:
        """True if a hang, found by `hangs`, should open the breaker.

        Calls that hang have no trend yet: their age rises, so it suffices that this lasts.
        """
        return hang.lasts or not self._settings.trend_analysis_enabled

    def evidence(self, window: SlidingWindow) -> Evidence:
        """Return the evidence of the window. O(n²) for the slope: call it only to report."""
        settings = self._settings
        milliseconds = [seconds * 1000 for seconds in window.durations()]
        trend = describe(milliseconds, settings.latency_threshold)
        name = f"p{settings.percentile * 100:g}"
        return Evidence(
            signal=Signal.LATENCY,
            value=round(window.percentile() * 1000, 3),
            threshold=settings.latency_threshold,
            unit="ms",
            samples=len(window),
            detail={
                "percentile_name": name,
                "slow_calls": window.slow_count,
                "slowest_ms": round(max(milliseconds, default=0.0), 3),
                "trend": trend.kind.value,
                "slope_percent_per_call": round(trend.slope * 100, 3),
            },
        )

    def _trend_of(self, window: SlidingWindow) -> TrendKind:
        """Return the trend; classified again once an eighth of its calls are new."""
        judged = min(len(window), TREND_SAMPLES)
        if window.total - self._classified_at >= judged // _TREND_UPDATES_PER_WINDOW:
            self._classified_at = window.total
            threshold = self._settings.latency_threshold / 1000
            self._trend = classify(window.durations(TREND_SAMPLES), threshold)
        return self._trend
