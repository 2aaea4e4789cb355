"""The terms on which a call is guarded."""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Final, Literal

from breakerd.breaker.context import Priority
from breakerd.breaker.settings import Settings

Ignored = tuple[type[BaseException], ...]
Timeout = float | Literal["slo"]


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How a call is guarded.

    Attributes:
        timeout: seconds the call may take, above 0; "slo" for the time-out of the service level
            that is stated when the call begins, if one is.
        priority: how important the call is; None leaves it as it is around.
        ignore: exceptions that are an answer and no failure.
    """

    timeout: Timeout | None = None
    priority: Priority | None = None
    ignore: Ignored = ()

    def __post_init__(self) -> None:
        if self.timeout is None or self.timeout == "slo":
            return
        if not 0 < self.timeout < inf:
            raise ValueError(f"timeout is {self.timeout}; allowed: seconds above 0, 'slo', or None")

    def timeout_seconds(self, settings: Settings) -> float | None:
        """The time-out of a call that begins under `settings`."""
        if self.timeout != "slo":
            return self.timeout
        return settings.slo.timeout if settings.slo else None


DEFAULT_OPTIONS: Final = CallOptions()
cached_options: Final = lru_cache(maxsize=256)(CallOptions)
"""As `Terms`, which takes a microsecond to make; few are ever asked for, but with each call."""
