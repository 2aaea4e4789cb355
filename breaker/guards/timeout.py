"""Until when one guarded call may go on, and what happens then."""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from breakerd.breaker.context import DEADLINE, Deadline, active_deadline, earliest
from breakerd.breaker.errors import DeadlineExceeded

if TYPE_CHECKING:
    from asyncio import Timeout as Cutoff


class TimeLimit:
    """The time that one call has: what is left around it, and what its guard gives it.

    Args:
        name: the breaker's, for the errors.

    Raises:
        DeadlineExceeded: the deadline in force has passed.
    """

    __slots__ = ("_cutoff", "_limit", "_name", "_outer", "_own", "_timeout")

    def __init__(self, name: str) -> None:
        self._name = name
        self._timeout: float | None = None
        self._own: Deadline | None = None
        self._cutoff: Cutoff | None = None
        self._outer = self._limit = active_deadline()
        if self._outer is not None and (left := self._outer.remaining()) <= 0:
            raise DeadlineExceeded(
                f"breaker {name!r}: the deadline passed {-left:.3f} s ago, "
                "so the call was not made",
                started=False,
            )

    def give(self, timeout: float, start: float, clock: Callable[[], float]) -> None:
        """Gives the call `timeout` seconds from `start`, and tells all that is called inside."""
        self._timeout = timeout
        self._own = Deadline(start + timeout, clock)
        self._limit = earliest(self._outer, self._own)
        DEADLINE.set(self._limit)

    def lift(self) -> None:
        """Takes back what `give` put into the context, and nothing else."""
        if self._own is not None:
            DEADLINE.set(self._outer)
            self._own.lift()

    async def enforce(self) -> None:
        """Has the running task cancelled at the limit, unless a guard around sees to it.

        Raises:
            RuntimeError: no task of asyncio's is running.
        """
        if self._limit is not None and not self._limit.enforced:
            self._limit.enforced = self._limit is not self._outer
            from asyncio import timeout

            cutoff = timeout(self._limit.remaining())
            await cutoff.__aenter__()
            self._cutoff = cutoff

    def relent(self) -> None:
        """Leaves the task alone from now on, if it was not cancelled yet."""
        if self._cutoff is not None and not self._cutoff.expired():
            self._cutoff.reschedule(None)

    async def settle(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends what `enforce` began; takes what `__aexit__` is told.

        Raises:
            DeadlineExceeded: the cancellation that ended the call was ours.
        """
        if self._cutoff is None:
            return
        try:
            await self._cutoff.__aexit__(exc_type, exc, traceback)
        except TimeoutError as expired:
            own = f"{self._timeout:g} s" if self._own_expired else "the deadline that it was given"
            raise DeadlineExceeded(
                f"breaker {self._name!r}: the call did not end within {own}"
            ) from expired

    def overrun(self, seconds: float) -> bool:
        """Whether a call of that length took longer than its own guard gave it."""
        return self._timeout is not None and (self._own_expired or seconds > self._timeout)

    @property
    def outer_expired(self) -> bool:
        """Whether the time that a caller gave has run out."""
        if self._outer is None:
            return False
        return self._outer.remaining() <= 0 or (self._expired and not self._own_expired)

    @property
    def _expired(self) -> bool:
        return self._cutoff is not None and self._cutoff.expired()

    @property
    def _own_expired(self) -> bool:
        return self._expired and self._limit is not self._outer
