"""Root settings as go-breaker takes them, where these are not allowed here.

go-breaker takes 0 for "not set", 1 as a percentile and 100 as a memory threshold, percentiles in
percent, and any latency threshold above 0. Its files load unchanged.
"""

from collections.abc import Mapping
from typing import Final

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.tolerated import NOT_SET, ConfigWarning, tolerated
from breakerd.breaker.config.toml.scan import Key

_NUMBERS: Final = frozenset(
    {
        "memory_threshold",
        "latency_threshold",
        "latency_window_size",
        "percentile",
        "wait_time",
        "trend_analysis_min_sample_count",
    }
)
_MAXIMUM_PERCENTILE: Final = 0.99999
"""The slowest call of any window: the largest has 65536."""
_LARGEST_FRACTION: Final = 1 - 1e-12
_FULL_MEMORY: Final = 99.99
_SHORTEST_LATENCY: Final = 5


def accept(
    data: Mapping[str, object], document: Document, table: Key = ()
) -> tuple[dict[str, object], list[ConfigWarning]]:
    """Return settings of the root with go-breaker's values replaced by those that are meant.

    Args:
        data: the settings as they are in the file.
        document: the file.
        table: the table that contains them: the root, or the older spelling of it.
    """
    accepted: dict[str, object] = {}
    warnings: list[ConfigWarning] = []
    for name, value in data.items():
        meant = _meant(name, value) if name in _NUMBERS else value
        if meant is not None:
            accepted[name] = meant
        if meant is not value:
            taken = NOT_SET if meant is None else f"{meant:g}"
            warnings.append(tolerated(document, (*table, name), value, taken))
    return accepted, warnings


def from_percent(percentage: float) -> float:
    """Return a percentage below 100 as a fraction, without the error of the division."""
    return min(round(percentage / 100, 12), _LARGEST_FRACTION)


def _meant(name: str, value: object) -> object:
    """Return the value that go-breaker means; None for its default, `value` if it is meant."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None if value == "" else value
    if value == 0:
        return None
    if name == "percentile" and 1 <= value < 100:
        return _MAXIMUM_PERCENTILE if value == 1 else from_percent(value)
    if name == "memory_threshold" and value == 100:
        return _FULL_MEMORY
    if name == "latency_threshold" and 0 < value < _SHORTEST_LATENCY:
        return _SHORTEST_LATENCY
    return value
