"""One call of a trace."""

from typing import NamedTuple


class CallRecord(NamedTuple):
    """A call that was made, as it was recorded.

    Attributes:
        start: when it began, in seconds since the epoch, or since any other moment.
        duration: how long it took, in seconds.
        error: whether it failed.
        memory: used share of the memory limit at that time, 0 to 1; None where it is not known.
    """

    start: float
    duration: float
    error: bool = False
    memory: float | None = None
