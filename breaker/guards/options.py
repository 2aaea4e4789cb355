"""Options of a guarded call."""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Final, Literal

from breakerd.breaker.context import Priority
from breakerd.breaker.settings import Settings

Timeout = float | Literal["slo"]


@dataclass(frozen=True, slots=True)
class CallOptions:
    """Options of a guarded call.

    Attributes:
        timeout: seconds that the call may take, above 0; "slo" for the time-out of the service
            level stated when the call begins, if there is one.
        priority: importance of the call; None keeps the one in force around it.

    Raises:
        ValueError: `timeout` is not a finite number above 0.
    """

    timeout: Timeout | None = None
    priority: Priority | None = None

    def __post_init__(self) -> None:
        if self.timeout is None or self.timeout == "slo":
            return
        if not 0 < self.timeout < inf:
            raise ValueError(f"timeout is {self.timeout}; allowed: seconds above 0, 'slo', or None")

    @property
    def any_given(self) -> bool:
        """True if there is a time-out or a priority to put into the context."""
        return self.timeout is not None or self.priority is not None

    def timeout_seconds(self, settings: Settings) -> float | None:
        """Return the time-out in seconds of a call under `settings`; None if it has none."""
        if self.timeout != "slo":
            return self.timeout
        return settings.slo.timeout if settings.slo else None


DEFAULT_OPTIONS: Final = CallOptions()
cached_options: Final = lru_cache(maxsize=256)(CallOptions)
"""Return `CallOptions` from a cache: one takes a microsecond to make."""
