"""Clocks of hosts: what one host has written, in the time of another."""

from typing import Any, Final

_NO_TIMES: Final = frozenset({"content", "counts", "peak", "status", "totals_before", "evidence"})
"""Parts that hold figures and texts."""
_OLDEST: Final = 1e9
"""Seconds since the epoch from which on a number is a time: durations and counts are smaller."""
_LATEST: Final = 1e10


def shifted(data: Any, seconds: float) -> Any:
    """Return JSON-able data with all times in it moved by `seconds`.

    The times of incidents and reports are in seconds since the epoch, and nothing else in them is
    as large.
    """
    if isinstance(data, dict):
        return {k: v if k in _NO_TIMES else shifted(v, seconds) for k, v in data.items()}
    if isinstance(data, list):
        return [shifted(each, seconds) for each in data]
    is_time = isinstance(data, float | int) and not isinstance(data, bool)
    return data + seconds if is_time and _OLDEST < data < _LATEST else data
