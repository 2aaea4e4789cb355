"""Parse the used share of the memory limit."""

from collections.abc import Callable
from math import nan

from breakerd.breaker.replay.trace.values import Value
from breakerd.breaker.replay.trace.values.numbers import number


def share_parser(unit: float) -> Callable[[Value], float | None]:
    """Return a parser of memory use in `unit` of the limit (0.01: percent); empty is None."""

    def read(value: Value) -> float | None:
        if value is None or value == "":
            return None
        try:
            share = (float(value) if isinstance(value, str) else number(value)) * unit
        except ValueError:
            share = nan
        if not 0 <= share <= 1:
            wanted = "0 to 100" if unit < 1 else "0 to 1; a column memory_percent holds percent"
            raise ValueError(f"found {value!r} as memory; understood: {wanted}")
        return share

    return read
