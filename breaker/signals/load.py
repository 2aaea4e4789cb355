"""Load signal: pressure, load average and event loop lag against thresholds, with hysteresis."""

from dataclasses import dataclass
from typing import Final

from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.settings import Settings

_CLEARS_BELOW: Final = 0.9
"""Share of its threshold below which a breached figure clears."""
_MAX_SEVERITY: Final = 1e6
"""Greatest multiple of a threshold that is told; a tiny threshold gives no useful number."""


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure with its name, unit and threshold."""

    name: str
    unit: str
    value: float
    threshold: float

    @property
    def severity(self) -> float:
        return min(_MAX_SEVERITY, self.value / self.threshold)


class LoadSignal:
    """Detects overload of the machine or the event loop. Updated by a timer. Not thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self.reading = LoadReading()
        """The last reading."""
        self.lag: float | None = None
        """Lag of the event loop in seconds; None if none is measured."""
        self.breached = False
        self._worst: _Figure | None = None
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Apply new thresholds; the verdict stays until the next reading."""
        self._settings = settings.load

    @property
    def enabled(self) -> bool:
        """True if any threshold is set."""
        load = self._settings
        return any(
            threshold is not None
            for threshold in (
                load.cpu_pressure_threshold,
                load.memory_pressure_threshold,
                load.io_pressure_threshold,
                load.load_threshold,
                load.loop_lag_threshold,
            )
        )

    @property
    def rejects(self) -> bool:
        """True if calls must be rejected because of the load."""
        return self.breached and self._settings.reject

    @property
    def unavailable(self) -> dict[str, str]:
        """Return why watched figures could not be read, by their names in the reading."""
        load = self._settings
        thresholds = {
            "cpu_pressure": load.cpu_pressure_threshold,
            "memory_pressure": load.memory_pressure_threshold,
            "io_pressure": load.io_pressure_threshold,
            "load_per_cpu": load.load_threshold,
        }
        return {name: why for name, why in self.reading.unavailable.items() if thresholds.get(name)}

    @property
    def severity(self) -> float:
        """Return the worst figure as a multiple of its threshold; 0 without a figure."""
        return self._worst.severity if self._worst else 0.0

    def read(self, reading: LoadReading, lag: float | None) -> bool:
        """Add a reading and the loop's lag in seconds; return True if the verdict changed."""
        self.reading, self.lag = reading, lag
        self._worst = max(self._figures(), key=lambda each: each.severity, default=None)
        before = self.breached
        self.breached = self.severity >= (_CLEARS_BELOW if before else 1.0)
        return self.breached != before

    def evidence(self) -> Evidence:
        """Return the evidence of the worst figure."""
        worst = self._worst or _Figure("load", "%", 0.0, 0.0)
        return Evidence(
            signal=Signal.LOAD,
            value=round(worst.value, 3),
            threshold=round(worst.threshold, 3),
            unit=worst.unit,
            detail={"what": worst.name},
        )

    def _figures(self) -> list[_Figure]:
        load, reading = self._settings, self.reading
        lag = None if self.lag is None else self.lag * 1000
        candidates = [
            ("CPU pressure", "%", reading.cpu_pressure, load.cpu_pressure_threshold),
            ("memory pressure", "%", reading.memory_pressure, load.memory_pressure_threshold),
            ("I/O pressure", "%", reading.io_pressure, load.io_pressure_threshold),
            ("load", "per CPU", reading.load_per_cpu, load.load_threshold),
            ("event loop lag", "ms", lag, load.loop_lag_threshold),
        ]
        return [
            _Figure(name, unit, value, threshold)
            for name, unit, value, threshold in candidates
            if value is not None and threshold is not None
        ]
