"""The guard of breakers on the real clock: the fast path written out inside the context manager.

A context manager is entered and left from C, where a call of one Python function by another costs
about 30 ns. `FastGuard` saves those of `allow` and `done`, and the look-up of `clock`.
"""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.context import ACTIVE_DEADLINES, get_deadline
from breakerd.breaker.guards.guard import DONE, ENTERED, Guard
from breakerd.breaker.runtime.gate import FastPath, allow_free_threaded

if TYPE_CHECKING:
    from breakerd.breaker.guards.target import GuardTarget


def guard_class_for(breaker: FastPath) -> type[Guard]:
    """Return the class of the guards of `breaker` that have no options.

    `FastGuard` does what `FastPath.allow` and `done` do, so the breaker's class must not override
    these, and its clock must be `time.monotonic`. Without a GIL a permit is taken under a lock, so
    `Guard` serves. Methods patched on an instance, or on the class later on, are not seen.
    """
    cls = type(breaker)
    inherited = cls.allow is FastPath.allow and cls.done is FastPath.done
    locked = FastPath.allow is allow_free_threaded
    return FastGuard if inherited and not locked and breaker.clock is CLOCK.monotonic else Guard


class FastGuard(Guard):
    """As `Guard`; what is not the common case goes through `allow` and `done`."""

    # A mirror of `FastPath`: test_fast_guard.py compares the two.
    __slots__ = ()

    breaker: FastPath  # type: ignore[assignment]  # a `GuardTarget` as well, since it is a `Breaker`

    # The clock as a default is found at once, and not replaced by freezegun as a global would be.
    def __enter__(self, monotonic: Callable[[], float] = CLOCK.monotonic) -> Self:
        if not self._phase and (not ACTIVE_DEADLINES or get_deadline() is None):
            try:
                if self.breaker._gate.permits.pop():  # noqa: SLF001 - as `FastPath.allow`
                    self._phase = ENTERED
                    self._start = monotonic()
                    return self
            except IndexError:
                pass
            else:
                raise cast("GuardTarget", self.breaker).rejection()
        return super().__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        monotonic: Callable[[], float] = CLOCK.monotonic,
    ) -> None:
        end = monotonic()
        phase, self._phase = self._phase, DONE
        if exc is None and phase == ENTERED:
            seconds = end - self._start
            gate = self.breaker._gate  # noqa: SLF001 - as `FastPath.done`
            if seconds <= gate.fast_limit:
                gate.durations.append(seconds)
                return
        if phase != DONE:
            self._close(phase, exc, end)
