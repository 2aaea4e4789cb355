"""What stands in a guard for its breaker, so that a guard need not ask what is rarely so.

A guard asks its breaker anyway. Once something is out of the ordinary, another is put there that
answers accordingly. As hot paths these have no answers prepared and note nothing (`_quick` is below
any duration), so all comes to them.
"""

from collections.abc import Callable
from math import inf
from typing import Final, Protocol

from breakerd.breaker.errors import BreakerOpenError
from breakerd.breaker.runtime.gate import HotPath
from breakerd.breaker.settings import Settings


class GuardTarget(Protocol):
    """What a guard needs of a breaker."""

    name: str

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds."""
        ...

    def allow(self) -> bool:
        """Whether the call may go."""
        ...

    def done(self, start: float, end: float, error: bool = False) -> None:
        """Reports the call."""
        ...

    def rejection(self) -> BreakerOpenError:
        """The error that says why a call may not go."""
        ...


class Failing(HotPath):
    """Reports to a breaker that the call failed, however it ended."""

    __slots__ = ("_breaker", "name")

    def __init__(self, breaker: GuardTarget) -> None:
        super().__init__(breaker.clock)
        self._quick = -inf
        self._breaker = breaker
        self.name = breaker.name

    @property
    def settings(self) -> Settings:
        """The breaker's."""
        return self._breaker.settings

    def rejection(self) -> BreakerOpenError:
        """The breaker's."""
        return self._breaker.rejection()

    def _allow_carefully(self) -> bool:
        return self._breaker.allow()

    def _done_carefully(self, start: float, end: float, error: bool) -> None:  # noqa: ARG002 - it is what `HotPath` asks for
        self._breaker.done(start, end, error=True)


class Ended(HotPath):
    """Takes no second report, and no second call, from a guard whose call ended early."""

    __slots__ = ("name",)

    def __init__(self) -> None:
        super().__init__(_no_time)
        self._quick = -inf
        self.name = ""

    @property
    def settings(self) -> Settings:
        """There are none."""
        raise NotImplementedError

    def rejection(self) -> BreakerOpenError:
        """There is none."""
        raise NotImplementedError

    def _allow_carefully(self) -> bool:
        raise RuntimeError("a guard is for one call; ask for a new one with breaker.guard()")

    def _done_carefully(self, start: float, end: float, error: bool) -> None:
        pass


class Spent(Ended):
    """The same for a guard that was left; whoever leaves it again has entered it twice at once."""

    __slots__ = ()

    def _done_carefully(self, start: float, end: float, error: bool) -> None:  # noqa: ARG002 - as above
        self._allow_carefully()


def _no_time() -> float:
    return 0.0


ENDED: Final = Ended()
SPENT: Final = Spent()
