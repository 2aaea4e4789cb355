"""Calls of about a second, aggregated before the baseline adds them."""

from array import array

from breakerd.breaker.calls.totals import MAX_DURATIONS, CallDelta


class TimeBucket:
    """Aggregated calls of a time interval. Not thread-safe."""

    __slots__ = (
        "duration",
        "durations",
        "ended",
        "errors",
        "failed",
        "in_flight_sum",
        "requests",
        "samples",
    )

    def __init__(self) -> None:
        self.requests = self.ended = self.errors = self.failed = 0
        self.duration = 0.0
        self.durations = array("d")
        self.in_flight_sum = self.samples = 0

    def add(self, batch: CallDelta) -> None:
        """Add a delta; of its durations, the first that fit into `MAX_DURATIONS`."""
        self.requests += batch.admitted + batch.rejected
        self.ended += batch.ended
        self.errors += batch.errors
        self.failed += batch.errors + batch.late
        self.duration += batch.duration
        self.durations.extend(batch.durations[: MAX_DURATIONS - len(self.durations)])
        self.in_flight_sum += batch.in_flight
        self.samples += 1

    @property
    def empty(self) -> bool:
        """True if there were no calls."""
        return not (self.requests or self.ended or self.in_flight_sum)

    @property
    def in_flight(self) -> float:
        """Return the mean number of calls in flight over the samples."""
        return self.in_flight_sum / self.samples if self.samples else 0.0

    @property
    def failure_rate(self) -> float:
        """Return the share of ended calls that failed or were late."""
        return min(1.0, self.failed / self.ended) if self.ended else 0.0

    @property
    def mean_duration(self) -> float:
        """Return the mean duration of the ended calls in seconds."""
        return self.duration / self.ended if self.ended else 0.0

    @property
    def sum_of_squares(self) -> float:
        """Return the sum of squared deviations of all durations, estimated from the sample."""
        if not self.durations:
            return 0.0
        mean = sum(self.durations) / len(self.durations)
        sample = sum((seconds - mean) ** 2 for seconds in self.durations)
        return sample * self.ended / len(self.durations)
