"""The exceptions of this package.

BreakerError
├── BreakerOpenError      a guarded call was rejected
├── DeadlineExceeded      a call ran out of time; a TimeoutError as well
├── BreakerStateError     the breaker's state does not allow an operator's command
├── ConfigError           a configuration is invalid; holds every problem found
├── ConfigConflictError   a change cannot be made in the file as it is now; nothing was changed
├── ConfigWriteError      a change is active but could not be written to the file
├── NotStoredError        a command could not be written to the database; nothing was changed
├── SnapshotError         a snapshot cannot be restored
└── TraceError            a trace cannot be read
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


class BreakerError(Exception):
    """Base class of all exceptions raised by this package."""


class BreakerOpenError(BreakerError):
    """A guarded call was rejected.

    Attributes:
        breaker: name of the breaker that rejected.
        reason: why it rejects, as a `Reason` value ("latency", "memory", "forced_open" …).
        retry_after: seconds until calls may be admitted again; 0 if unknown.
    """

    def __init__(self, breaker: str, reason: str, retry_after: float) -> None:
        # The message is built when it is read: most of these are caught and never shown. Pickle and
        # Celery's result backends rebuild an exception from `args`.
        self.args = (breaker, reason, retry_after)
        self.breaker = breaker
        self.reason = reason
        self.retry_after = retry_after

    def __str__(self) -> str:
        wait = (
            f": retry in {math.ceil(round(self.retry_after, 3))} s" if self.retry_after > 0 else ""
        )
        return f"breaker {self.breaker!r} is open ({self.reason}){wait}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class DeadlineExceeded(BreakerError, TimeoutError):  # noqa: N818 - gRPC's own word
    """A call exceeded its timeout, or the deadline of its context.

    Attributes:
        started: False if the call did not start because the deadline had already passed.
    """

    def __init__(self, message: str, *, started: bool = True) -> None:
        super().__init__(message)
        self.started = started


class BreakerStateError(BreakerError):
    """The breaker's state does not allow an operator's command; nothing was changed."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One problem in a configuration.

    Attributes:
        where: the file, or another name of the source ("environment", "request").
        line: line in the file, from 1; 0 if there is none.
        key: dotted key, as in `breakers.payments.percentile`; empty for the file as a whole.
        found: the value found, as text; "nothing" if a value is missing.
        allowed: the allowed values, in words.
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
    """A configuration is invalid. `problems` holds every problem, in the order of the file."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ConfigConflictError(BreakerError):
    """A change cannot be made in the file as it is now; nothing was changed, in memory or on disk.

    The file is written in a way that cannot be edited safely, or somebody is saving it.
    """


class ConfigWriteError(BreakerError):
    """A change is active, but the file could not be written; a restart loses the change."""


class NotStoredError(BreakerError):
    """A command could not be written to the database. Nothing was changed, nor will be later."""


class SnapshotError(BreakerError):
    """A snapshot is damaged, of an unknown version, or no breaker snapshot."""


class TraceError(BreakerError):
    """A trace cannot be read, has an unknown format, or has too many broken lines."""
