"""Memory signal: used share of the limit against its threshold, with hysteresis."""

from typing import Final

from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings

NEAR_MARGIN: Final = 0.2
"""Distance to the threshold, as a share of the limit, at which memory may soon be exhausted."""
DRILL_UTILIZATION: Final = 1.0
"""Utilization that a drill simulates."""


class MemorySignal:
    """Compares memory with its threshold. Updated by a timer, and by calls while it is `near`."""

    def __init__(self, settings: Settings) -> None:
        self.utilization: float | None = None
        """Used share of the limit at the last reading, 0 to 1; None if unknown."""
        self.breached = False
        self.drill = False
        """True while readings are replaced by `DRILL_SHARE`."""
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Apply new thresholds; the verdict stays until the next reading."""
        self._threshold = settings.memory_threshold / 100
        self._clears_below = max(0.0, settings.memory_threshold - settings.memory_hysteresis) / 100

    @property
    def above_threshold(self) -> bool:
        """True if the last reading was at or above the threshold, without hysteresis."""
        return self.utilization is not None and self.utilization >= self._threshold

    @property
    def near_threshold(self) -> bool:
        """True if a few more calls might reach the threshold."""
        return self.utilization is not None and self.utilization >= self._threshold - NEAR_MARGIN

    def read(self, used: float | None) -> bool:
        """Add a reading; return True if the verdict changed. An unknown reading is no breach."""
        self.utilization = DRILL_UTILIZATION if self.drill else used
        before = self.breached
        if self.utilization is None:
            self.breached = False
        elif self.utilization >= self._threshold:
            self.breached = True
        elif self.utilization < self._clears_below or not self._clears_below:
            self.breached = False
        return self.breached != before

    def evidence(self) -> Evidence:
        """Return the evidence of the last reading."""
        return Evidence(
            signal=Signal.MEMORY,
            value=round((self.utilization or 0.0) * 100, 3),
            threshold=round(self._threshold * 100, 6),
            unit="%",
            detail={"known": self.utilization is not None},
        )
