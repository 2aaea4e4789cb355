"""The errors this package raises.

BreakerError
├── BreakerOpenError      a guarded call was rejected
├── DeadlineExceeded      a call ran out of time; a TimeoutError as well
├── BreakerStateError     an operator's action does not fit the breaker's state
├── ConfigError           a configuration is wrong; holds every problem found
├── ConfigWriteError      a change is in force but could not be written to the file
├── SnapshotError         a snapshot cannot be restored
└── TraceError            a trace cannot be read
"""

from collections.abc import Sequence
from dataclasses import dataclass


class BreakerError(Exception):
    """The root of all errors raised by this package."""


class BreakerOpenError(BreakerError):
    """A guarded call was rejected.

    Attributes:
        breaker: name of the breaker that rejected.
        reason: why it rejects, as a word ("latency", "memory", "forced_open" …).
        retry_after: seconds after which a call may have a chance; 0 where it is not known.
    """

    def __init__(self, breaker: str, *, reason: str, retry_after: float) -> None:
        # The message is made when it is read: most of these are caught and never shown.
        self.breaker = breaker
        self.reason = reason
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"breaker {self.breaker!r} rejects calls: {self.reason}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_open_error, (self.breaker, self.reason, self.retry_after)


def _rebuild_open_error(breaker: str, reason: str, retry_after: float) -> BreakerOpenError:
    return BreakerOpenError(breaker, reason=reason, retry_after=retry_after)


class DeadlineExceeded(BreakerError, TimeoutError):  # noqa: N818 - gRPC's own word
    """A call ran out of time: its time-out, or a deadline that it was given.

    Attributes:
        started: False if the call was not begun, because the deadline had passed already.
    """

    def __init__(self, message: str, *, started: bool = True) -> None:
        super().__init__(message)
        self.started = started


class BreakerStateError(BreakerError):
    """An operator's action does not fit the state the breaker is in; nothing was changed."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing wrong in a configuration.

    Attributes:
        where: the file, or another name of the source ("environment", "request").
        line: line in the file, from 1; 0 where there is none.
        key: dotted key, as in `breakers.payments.percentile`; empty for the file as a whole.
        found: what stands there, as text; "nothing" where something is missing.
        allowed: what may stand there, in words.
    """

    where: str
    line: int
    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        key = f" {self.key}:" if self.key else ""
        return f"{place}:{key} found {self.found}; allowed: {self.allowed}"


class ConfigError(BreakerError):
    """A configuration is wrong. `problems` holds all that was found, in the file's order."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ConfigWriteError(BreakerError):
    """A change is in force, but the file could not be written; a restart will not know of it."""


class SnapshotError(BreakerError):
    """A snapshot is not one of ours, of a version we do not know, or damaged."""


class TraceError(BreakerError):
    """A trace cannot be read, is of no known format, or has too many broken lines."""
