"""Latency: the watched percentile against its threshold, and its trend where that is asked for."""

from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings
from breakerd.breaker.signals.trend import (
    TREND_SAMPLES,
    TRIPPING_TRENDS,
    TrendKind,
    classify,
    describe,
)

_TREND_UPDATES_PER_WINDOW = 8


class LatencySignal:
    """Says whether latency is over its limit, and whether that should open the breaker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._enabled = settings.watches_latency
        trend = settings.trend_analysis_enabled
        wanted = settings.trend_analysis_min_sample_count if trend else settings.minimum_calls
        # A window smaller than the minimum would never trip.
        self.min_calls = min(wanted, settings.latency_window_size)
        self._classified_at = -1
        self._trend = TrendKind.FLAT

    def breached(self, window: SlidingWindow) -> bool:
        """Whether the percentile is above the threshold, on enough calls. O(1)."""
        return self._enabled and len(window) >= self.min_calls and window.percentile_exceeded

    def trips(self, window: SlidingWindow) -> bool:
        """Whether a breach, already known, should open the breaker."""
        return (
            not self._settings.trend_analysis_enabled or self._trend_of(window) in TRIPPING_TRENDS
        )

    def evidence(self, window: SlidingWindow) -> Evidence:
        """What the window shows now; costs a sort and a slope, so only when it is to be told."""
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
        """The trend, looked at anew once an eighth of what it judges has changed."""
        judged = min(len(window), TREND_SAMPLES)
        if window.total - self._classified_at >= judged // _TREND_UPDATES_PER_WINDOW:
            self._classified_at = window.total
            threshold = self._settings.latency_threshold / 1000
            self._trend = classify(window.durations(TREND_SAMPLES), threshold)
        return self._trend
