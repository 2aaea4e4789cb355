"""The breaker as guards see it."""

from collections.abc import Callable
from typing import Protocol

from breakerd.breaker.errors import BreakerOpenError
from breakerd.breaker.settings import Settings


class GuardTarget(Protocol):
    """Methods of a breaker that a guard calls."""

    name: str

    @property
    def settings(self) -> Settings:
        """Settings in force."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Clock of the breaker, in seconds."""
        ...

    def allow(self) -> bool:
        """Return True if the call may proceed."""
        ...

    def done(self, start: float, end: float, error: bool = False) -> None:
        """Report the call."""
        ...

    def rejection(self) -> BreakerOpenError:
        """Return the error that explains a rejection."""
        ...
