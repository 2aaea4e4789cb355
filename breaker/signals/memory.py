"""Memory: the used share of the limit against its threshold, with hysteresis."""

from typing import Final

from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings

NEAR_MARGIN: Final = 0.2
"""So close to the threshold, as a share of the limit, memory may be short within moments."""
DRILL_UTILIZATION: Final = 1.0
"""The share of the limit that a drill pretends is used."""


class MemorySignal:
    """Says whether memory is over its limit. Fed by a timer, and by calls while it is `near`."""

    def __init__(self, settings: Settings) -> None:
        self.utilization: float | None = None
        """Used share of the limit at the last reading, 0 to 1; None while unknown."""
        self.breached = False
        self.drill = False
        """While set, readings are replaced by `DRILL_SHARE`."""
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Takes new thresholds; what is breached stays so until a reading says otherwise."""
        self._threshold = settings.memory_threshold / 100
        self._clears_below = max(0.0, settings.memory_threshold - settings.memory_hysteresis) / 100

    @property
    def above_threshold(self) -> bool:
        """Whether the last reading was at or above the threshold, hysteresis left out."""
        return self.utilization is not None and self.utilization >= self._threshold

    @property
    def near_threshold(self) -> bool:
        """Whether a few calls more might reach the threshold."""
        return self.utilization is not None and self.utilization >= self._threshold - NEAR_MARGIN

    def read(self, used: float | None) -> bool:
        """Takes a reading; True if it changed the verdict. An unknown reading trips nothing."""
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
        """What the last reading showed."""
        return Evidence(
            signal=Signal.MEMORY,
            value=round((self.utilization or 0.0) * 100, 3),
            threshold=round(self._threshold * 100, 6),
            unit="%",
            detail={"known": self.utilization is not None},
        )
