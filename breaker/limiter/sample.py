"""What happened in a short time: all that the limiter sees of the calls."""

from typing import NamedTuple


class Sample(NamedTuple):
    """The calls of one interval, some tens of milliseconds long."""

    seconds: float
    """How long the interval was."""
    successes: int
    """Calls that ended well, and within the time-out."""
    failures: int
    """Calls that failed, or ended too late to be of use."""
    success_seconds: float
    """How long the successes took, summed."""
    rejected: int
    """Calls that were not let in."""
    in_flight: int
    """Calls under way at its end."""
    admitted: int
    """Calls ever let in."""

    @property
    def throughput(self) -> float:
        """Successes per second."""
        return self.successes / self.seconds
