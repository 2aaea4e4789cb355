"""The batches of about a second, put together: what the baseline takes in at once."""

from array import array

from breakerd.breaker.calls.totals import MAX_DURATIONS, CallDelta


class TimeBucket:
    """Calls of a stretch of time. Not thread-safe."""

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
        """Takes in a batch; of the durations, the first ones that there is room for."""
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
        """Whether nothing went on."""
        return not (self.requests or self.ended or self.in_flight_sum)

    @property
    def in_flight(self) -> float:
        """Calls under way, on the average of the looks."""
        return self.in_flight_sum / self.samples if self.samples else 0.0

    @property
    def failure_rate(self) -> float:
        """Share of the calls that ended which failed or came too late."""
        return min(1.0, self.failed / self.ended) if self.ended else 0.0

    @property
    def mean_duration(self) -> float:
        """Seconds that a call took, of all that ended."""
        return self.duration / self.ended if self.ended else 0.0

    @property
    def sum_of_squares(self) -> float:
        """Sum of squares of all durations about their mean, as the sample shows it."""
        if not self.durations:
            return 0.0
        mean = sum(self.durations) / len(self.durations)
        sample = sum((seconds - mean) ** 2 for seconds in self.durations)
        return sample * self.ended / len(self.durations)
