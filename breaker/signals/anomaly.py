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

from breakerd.breaker.baseline import Baseline, Departure, Quantity, Scale
from breakerd.breaker.baseline.outlier import LEARNT
from breakerd.breaker.events.events import Evidence, Signal

HOLD: Final = 3.0
"""Seconds that it must last before it is told."""
CLEAR: Final = 10.0
"""Seconds that all must be well before it is over."""

_LEAST_REQUESTS: Final = 5.0
"""Requests that the last ten seconds must hold, as far as they count."""
_ROOTS: Final = 1.75
"""Five deviations of the root of a fading count."""
_EASED: Final = 0.5
"""Once told, so much of the way back to normal is still trouble."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """Above normal is what is above it by all three: in deviations, in times, in its own unit."""

    deviations: float
    ratio: float
    step: float

    def exceeded(self, departure: Departure, ease: float) -> bool:
        return (
            departure.deviations > self.deviations * ease
            and departure.value > departure.normal * (1 + (self.ratio - 1) * ease)
            and departure.value > departure.normal + self.step * ease
        )


_SLOW: Final = _Limit(deviations=5.0, ratio=1.5, step=0.001)
_FAR_SLOWER: Final = _Limit(deviations=8.0, ratio=2.0, step=0.001)
_PILING: Final = _Limit(deviations=3.0, ratio=1.5, step=0.3)
_STUCK: Final = _Limit(deviations=6.0, ratio=2.0, step=2.0)
_FAILING: Final = _Limit(deviations=5.0, ratio=2.0, step=0.05)


class AnomalySignal:
    """Says whether calls are in trouble. Fed on the tick, never by a call."""

    def __init__(self) -> None:
        self.breached = False
        self._turned: float | None = None
        """Since when the present look speaks against the verdict."""
        self._evidence: Evidence | None = None

    def judge(self, now: float, baseline: Baseline) -> bool:
        """Looks at the last seconds; whether there is trouble."""
        evidence = _trouble(baseline, ease=_EASED if self.breached else 1.0)
        if (evidence is not None) is self.breached:
            self._turned = None
        elif self._turned is None or now < self._turned:
            self._turned = now
        self._evidence = evidence or self._evidence
        patience = CLEAR if self.breached else HOLD
        if self._turned is not None and now - self._turned >= patience:
            self.breached, self._turned = not self.breached, None
        return self.breached

    def evidence(self) -> Evidence | None:
        """What is out of the normal; None if it is well."""
        return self._evidence if self.breached else None


def _trouble(baseline: Baseline, ease: float) -> Evidence | None:
    requests = baseline.series(Quantity.RATE, Scale.SECONDS).moments
    counted = requests.mean * requests.weight
    if baseline.normal.seconds < LEARNT or counted < _LEAST_REQUESTS:
        return None
    seen = {quantity: baseline.departure(quantity) for quantity in Quantity}
    duration, in_flight = seen[Quantity.DURATION], seen[Quantity.IN_FLIGHT]
    ended = baseline.series(Quantity.ERRORS, Scale.SECONDS).moments.weight
    failing = _FAILING.exceeded(seen[Quantity.ERRORS], ease)
    if failing and not _by_chance(ended, seen[Quantity.ERRORS], ease):
        return _evidence("more calls fail than usual", Quantity.ERRORS, seen, counted)
    work = duration.ratio * seen[Quantity.RATE].ratio
    piling = _PILING.exceeded(in_flight, ease)
    if (_SLOW.exceeded(duration, ease) and piling) or (
        _FAR_SLOWER.exceeded(duration, ease) and work > _PILING.ratio
    ):
        return _evidence("calls are slow and pile up", Quantity.DURATION, seen, counted)
    unexplained = in_flight.ratio > _STUCK.ratio * max(1.0, seen[Quantity.RATE].ratio)
    if unexplained and ended < counted / 2 and _STUCK.exceeded(in_flight, ease):
        return _evidence("calls pile up and hardly end", Quantity.IN_FLIGHT, seen, counted)
    return None


def _by_chance(calls: float, failures: Departure, ease: float) -> bool:
    """Whether so few failures may be luck: their deviation says little where they are rare.

    Roots of counts have nearly the same deviation whatever the count (Anscombe, "The transformation
    of Poisson, binomial and negative-binomial data", 1948); that of fading counts is half of one.
    """
    found, expected = calls * failures.value, calls * failures.normal
    return sqrt(found + 3 / 8) - sqrt(expected + 3 / 8) < _ROOTS * ease


def _evidence(
    what: str, quantity: Quantity, seen: dict[Quantity, Departure], counted: float
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
            "deviations": round(departure.deviations, 1),
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
