"""Trouble told from load: which quantities leave their learnt normal together.

More load raises requests and calls in flight, and leaves durations and errors where they are: by
Little's law (1961) calls in flight are requests per second times seconds per call. So under mere
load at most two of the four rise, and these two. Trouble is what load does not explain:

- *slow*: calls take longer, and pile up; where there is seldom more than one at once, and looking
  now and then does not show it, requests times duration must say so;
- *stuck*: calls pile up far more than requests do, and fewer than half as many end as begin;
- *failing*: more calls fail than usual.

It is told, with hysteresis, and rejects nothing.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

from breakerd.breaker.baseline import Baseline, Deviation, Quantity, Scale
from breakerd.breaker.baseline.outlier import READY_AFTER
from breakerd.breaker.events.events import Evidence, Signal

TRIGGER_AFTER: Final = 3.0
"""Seconds that it must last before it is told."""
CLEAR_AFTER: Final = 10.0
"""Seconds that all must be well before it is over."""

_MIN_REQUESTS: Final = 5.0
"""Requests that the last ten seconds must hold, as far as they count."""
_SIGNIFICANT_ROOT_DIFFERENCE: Final = 1.75
"""Five deviations of the root of a fading count."""
_CLEARING_EASE: Final = 0.5
"""Once told, so much of the way back to normal is still trouble."""


@dataclass(frozen=True, slots=True)
class _Threshold:
    """Above normal is what is above it by all three: in deviations, in times, in its own unit."""

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
    """Says whether calls are in trouble. Fed on the tick, never by a call."""

    def __init__(self) -> None:
        self.breached = False
        self._disagreeing_since: float | None = None
        """Since when the present look speaks against the verdict."""
        self._evidence: Evidence | None = None

    def judge(self, now: float, baseline: Baseline) -> bool:
        """Looks at the last seconds; whether there is trouble."""
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

    def evidence(self) -> Evidence | None:
        """What is out of the normal; None if it is well."""
        return self._evidence if self.breached else None


def _outlier_combination(baseline: Baseline, ease: float) -> Evidence | None:
    requests = baseline.series(Quantity.RATE, Scale.SECONDS).moments
    counted = requests.mean * requests.weight
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
    """Whether so few failures may be luck: their deviation says little where they are rare.

    Roots of counts have nearly the same deviation whatever the count (Anscombe, "The transformation
    of Poisson, binomial and negative-binomial data", 1948); that of fading counts is half of one.
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
