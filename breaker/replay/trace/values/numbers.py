"""Parse numbers from JSON values."""

from math import inf, nan

from breakerd.breaker.replay.trace.values import Value


def number(value: Value) -> float:
    """Return the number; NaN for any other JSON value, infinity for one that is too large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return nan
    try:
        return float(value)
    except OverflowError:
        return inf
