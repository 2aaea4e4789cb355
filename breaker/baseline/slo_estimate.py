"""Estimate the service level that a dependency actually meets, from its baseline."""

from math import ceil, floor, log10
from typing import Final

from breakerd.breaker.baseline import Baseline, Quantity, Scale
from breakerd.breaker.settings import Slo

_RANK: Final = 0.999
"""Share of calls that the estimated timeout must cover."""
_MARGIN: Final = 1.25
"""Factor from the 99.9th percentile to the timeout: room for an ordinary bad day."""
_MIN_CALLS: Final = 1000
"""Minimum number of calls for an estimate."""
_RULE_OF_THREE: Final = 3.0
"""After n calls without a failure, the rate may still be 3/n (95 %; Hanley, Lippman-Hand 1983)."""


def estimate(baseline: Baseline, slo: Slo, now: float) -> Slo | None:
    """Return an achievable `slo` with the same warm-up; None while too little is known.

    The success rate counts every reported failure of about a day, outages included, and the calls
    that the new timeout would cut off. The timeout is 1.25 times the 99.9th percentile of
    durations, in which degraded times weigh a tenth. Both are rounded to the safe side.
    """
    calls = baseline.observed_failure_rate.weight
    if calls < _MIN_CALLS or baseline.confidence(now) < 1:
        return None
    durations = baseline.series(Quantity.DURATION, Scale.DAY).sketch
    timeout = _round_up(durations.weighted_percentiles(_RANK)[0] * _MARGIN)
    failing = max(baseline.observed_failure_rate.mean, _RULE_OF_THREE / calls)
    success_rate = 1 - _round_up(min(1.0, failing + (1 - _RANK)))
    if not (0 < success_rate < 1 and 0 < timeout <= 3600):
        return None
    return slo.model_copy(update={"success_rate": round(success_rate, 9), "timeout": timeout})


def _round_up(value: float) -> float:
    """Return `value` rounded up to two significant digits."""
    if value <= 0:
        return 0.0
    digits = 1 - floor(log10(value))
    unit = 10.0**digits
    return round(ceil(round(value * unit, 6)) / unit, max(0, digits))
