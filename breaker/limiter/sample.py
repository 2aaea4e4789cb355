"""Sample of the calls in a short interval: the input of the limiter."""

from typing import NamedTuple


class Sample(NamedTuple):
    """Calls of one interval, some tens of milliseconds long."""

    seconds: float
    """Length of the interval in seconds."""
    successes: int
    """Calls that succeeded within the timeout."""
    failures: int
    """Calls that failed or exceeded the timeout."""
    success_seconds: float
    """Total duration of the successes in seconds."""
    rejected: int
    """Calls rejected in the interval."""
    in_flight: int
    """Calls in flight at the end of the interval."""
    admitted: int
    """Calls admitted since the breaker's creation."""

    @property
    def throughput(self) -> float:
        """Return the successes per second."""
        return self.successes / self.seconds
