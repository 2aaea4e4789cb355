"""The guard of calls on a breaker on real time, with the hot path written out in it."""

from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from breakerd.breaker.context import ACTIVE_DEADLINES, get_deadline
from breakerd.breaker.guards.guard import Guard
from breakerd.breaker.guards.guard_states import SPENT
from breakerd.breaker.runtime.gate import HotPath, allow_under_lock

if TYPE_CHECKING:
    from breakerd.breaker.guards.guard_states import Guarded


def plain_guard(breaker: HotPath) -> type[Guard]:
    """The class of the guards of `breaker` that are on no terms of their own.

    A `QuickGuard` does itself what `HotPath.allow` and `done` do, so those must be what the class
    of the breaker has, on the clock that it reads; and where the GIL is off, an answer is not to be
    taken without a lock. What takes the place of a breaker's `allow` later on, it does not heed.
    """
    kind = type(breaker)
    own = kind.allow is HotPath.allow and kind.done is HotPath.done
    locked = HotPath.allow is allow_under_lock
    return QuickGuard if own and not locked and breaker.clock is monotonic else Guard


class QuickGuard(Guard):
    """As `Guard`. What it does not do itself, it leaves to `allow` and `done`.

    A context manager is entered and left from C, and there a call of one function of Python by
    another costs some 30 ns. Those of `allow` and `done` are spared here, and the look-up of
    `clock`.
    """

    __slots__ = ()

    breaker: HotPath  # type: ignore[assignment]  # and `Guarded` as well, since it is a `Breaker`

    def __enter__(self) -> Self:
        if not ACTIVE_DEADLINES or get_deadline() is None:
            try:
                if self.breaker._answers.pop():  # noqa: SLF001 - as `HotPath.allow`
                    self._start = monotonic()
                    return self
            except IndexError:
                pass
            else:
                raise cast("Guarded", self.breaker).rejection()
        return super().__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        seconds = monotonic() - self._start
        breaker = self.breaker
        self.breaker = SPENT
        if exc is None and seconds <= breaker._quick:  # noqa: SLF001 - as `HotPath.done`
            breaker._log.append(seconds)  # noqa: SLF001 - as above
        else:
            failed = exc is not None and self._failed(exc)
            breaker.done(self._start, self._start + seconds, error=failed)
