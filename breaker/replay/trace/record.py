"""One call of a trace."""

from typing import NamedTuple


class CallRecord(NamedTuple):
    """Recorded call.

    Attributes:
        start: its start, in seconds since the epoch or any other origin.
        duration: its duration in seconds.
        error: True if it failed.
        memory: used share of the memory limit at that time, 0 to 1; None if unknown.
    """

    start: float
    duration: float
    error: bool = False
    memory: float | None = None
