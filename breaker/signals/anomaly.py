"""Anomaly signal: distinguishes a degraded dependency from high load.

More load raises requests and calls in flight, and leaves durations and errors unchanged: by
Little's law (1961), calls in flight are requests per second times seconds per call. Under high load
at most these two of the four quantities rise. An anomaly is a combination of outliers that load
does not explain:

- *slow*: calls take longer and accumulate; if there is seldom more than one call at once, so that
  samples do not show it, requests times duration must;
- *stuck*: calls accumulate far more than requests do, and fewer than half as many end as begin;
- *failing*: more calls fail than usual.

The signal is reported with hysteresis, and rejects nothing.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

from breakerd.breaker.baseline import Baseline, Deviation, Quantity, Scale
from breakerd.breaker.baseline.outlier import READY_AFTER
from breakerd.breaker.events.events import Evidence, Signal

TRIGGER_AFTER: Final = 3.0
"""Seconds that an anomaly must last before the signal is breached."""
CLEAR_AFTER: Final = 10.0
"""Seconds without an anomaly before the signal clears."""

_MIN_REQUESTS: Final = 5.0
"""Minimum decayed number of requests in the last ten seconds."""
_SIGNIFICANT_ROOT_DIFFERENCE: Final = 1.75
"""Minimum difference of the roots of two counts: five deviations of a decayed count's root."""
_CLEARING_EASE: Final = 0.5
"""Factor on all thresholds while breached, so that the signal clears closer to normal."""


@dataclass(frozen=True, slots=True)
class _Threshold:
    """Threshold in standard deviations, as a ratio and in the unit; all must be exceeded."""

    deviations: float
    ratio: float
    step: float

    def exceeded(self, departure: Deviation, ease: float) -> bool:
        return (
            departure.z_score > self.deviations * ease
            and departure.value > departure.normal * (1 + (self.ratio - 1) * ease)
            and departure.value > departure.normal + self.step * ease
        )


_SLOW: Final = _Threshold(deviations=5.0, ratio=1.5, step=0.001)
_MUCH_SLOWER: Final = _Threshold(deviations=8.0, ratio=2.0, step=0.001)
_ACCUMULATING: Final = _Threshold(deviations=3.0, ratio=1.5, step=0.3)
_STUCK: Final = _Threshold(deviations=6.0, ratio=2.0, step=2.0)
_FAILING: Final = _Threshold(deviations=5.0, ratio=2.0, step=0.05)


class AnomalySignal:
    """Detects anomalies of the calls. Updated on the tick, never by a call. Not thread-safe."""

    def __init__(self) -> None:
        self.breached = False
        self._disagreeing_since: float | None = None
        """Time since which observations contradict the verdict; None if they agree."""
        self._evidence: Evidence | None = None

    def judge(self, now: float, baseline: Baseline) -> bool:
        """Update the verdict from the last seconds; return True if there is an anomaly."""
        evidence = _outlier_combination(baseline, ease=_CLEARING_EASE if self.breached else 1.0)
        if (evidence is not None) is self.breached:
            self._disagreeing_since = None
        elif self._disagreeing_since is None or now < self._disagreeing_since:
            self._disagreeing_since = now
        self._evidence = evidence or self._evidence
        patience = CLEAR_AFTER if self.breached else TRIGGER_AFTER
        if self._disagreeing_since is not None and now - self._disagreeing_since >= patience:
            self.breached, self._disagreeing_since = not self.breached, None
        return self.breached

    def evidence(self, baseline: Baseline) -> Evidence:
        """Return the evidence of the anomaly, or that its quantity is as usual again."""
        if self.breached and self._evidence is not None:
            return self._evidence
        last = self._evidence.detail["quantity"] if self._evidence else Quantity.DURATION
        seen = {quantity: baseline.deviation(quantity) for quantity in Quantity}
        return _evidence("calls are as usual", Quantity(str(last)), seen, _counted(baseline))


def _counted(baseline: Baseline) -> float:
    """Return the decayed number of requests in the last ten seconds."""
    requests = baseline.series(Quantity.RATE, Scale.SECONDS).moments
    return requests.mean * requests.weight


def _outlier_combination(baseline: Baseline, ease: float) -> Evidence | None:
    counted = _counted(baseline)
    if baseline.outlier_model.learned_seconds < READY_AFTER or counted < _MIN_REQUESTS:
        return None
    seen = {quantity: baseline.deviation(quantity) for quantity in Quantity}
    duration, in_flight = seen[Quantity.DURATION], seen[Quantity.IN_FLIGHT]
    ended = baseline.series(Quantity.ERRORS, Scale.SECONDS).moments.weight
    failing = _FAILING.exceeded(seen[Quantity.ERRORS], ease)
    if failing and not _not_significant(ended, seen[Quantity.ERRORS], ease):
        return _evidence("more calls fail than usual", Quantity.ERRORS, seen, counted)
    work = duration.ratio * seen[Quantity.RATE].ratio
    piling = _ACCUMULATING.exceeded(in_flight, ease)
    if (_SLOW.exceeded(duration, ease) and piling) or (
        _MUCH_SLOWER.exceeded(duration, ease) and work > _ACCUMULATING.ratio
    ):
        return _evidence("calls are slow and pile up", Quantity.DURATION, seen, counted)
    unexplained = in_flight.ratio > _STUCK.ratio * max(1.0, seen[Quantity.RATE].ratio)
    if unexplained and ended < counted / 2 and _STUCK.exceeded(in_flight, ease):
        return _evidence("calls pile up and hardly end", Quantity.IN_FLIGHT, seen, counted)
    return None


def _not_significant(calls: float, failures: Deviation, ease: float) -> bool:
    """True if so few failures may be chance: where they are rare, deviations say little.

    Roots of counts have nearly the same deviation whatever the count (Anscombe, "The transformation
    of Poisson, binomial and negative-binomial data", 1948); that of decayed counts is half of it.
    """
    found, expected = calls * failures.value, calls * failures.normal
    return sqrt(found + 3 / 8) - sqrt(expected + 3 / 8) < _SIGNIFICANT_ROOT_DIFFERENCE * ease


def _evidence(
    what: str, quantity: Quantity, seen: dict[Quantity, Deviation], counted: float
) -> Evidence:
    departure = seen[quantity]
    others = {
        f"{other.value}_times_normal": round(min(1e6, seen[other].ratio), 2) for other in Quantity
    }
    return Evidence(
        signal=Signal.ANOMALY,
        value=_rounded(departure.value, quantity),
        threshold=_rounded(departure.normal, quantity),
        unit=_UNITS[quantity],
        samples=round(counted),
        detail={
            "what": what,
            "quantity": quantity.value,
            "deviations": round(departure.z_score, 1),
            **others,
        },
    )


_UNITS: Final = {
    Quantity.RATE: "1/s",
    Quantity.ERRORS: "fraction",
    Quantity.DURATION: "ms",
    Quantity.IN_FLIGHT: "calls",
}


def _rounded(value: float, quantity: Quantity) -> float:
    return round(value * 1000, 3) if quantity is Quantity.DURATION else round(value, 6)
