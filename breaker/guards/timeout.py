"""Time-out and deadline of one guarded call."""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from breakerd.breaker.context import DEADLINE, Deadline, active_deadline, earliest
from breakerd.breaker.errors import DeadlineExceeded

if TYPE_CHECKING:
    from asyncio import Timeout as Cutoff


class CallTimeout:
    """The time that one call has: the deadline in force around it, and its guard's time-out.

    Args:
        name: name of the breaker, for errors.

    Raises:
        DeadlineExceeded: the deadline in force has passed.
    """

    __slots__ = ("_asyncio_timeout", "_limit", "_name", "_outer", "_own", "_timeout")

    def __init__(self, name: str) -> None:
        self._name = name
        self._timeout: float | None = None
        self._own: Deadline | None = None
        self._asyncio_timeout: Cutoff | None = None
        self._outer = self._limit = active_deadline()
        if self._outer is not None and (left := self._outer.remaining()) <= 0:
            raise DeadlineExceeded(
                f"breaker {name!r}: the deadline passed {-left:.3f} s ago, "
                "so the call was not made",
                started=False,
            )

    def start(self, timeout: float, start: float, clock: Callable[[], float]) -> None:
        """Give the call `timeout` seconds from `start`, and set the deadline for code inside it."""
        self._timeout = timeout
        self._own = Deadline(start + timeout, clock)
        self._limit = earliest(self._outer, self._own)
        DEADLINE.set(self._limit)

    def restore(self) -> None:
        """Undo what `start` put into the context, and nothing else."""
        if self._own is not None:
            DEADLINE.set(self._outer)
            self._own.lift()
            self._own = None

    async def enter_async(self) -> None:
        """Cancel the running task at the deadline, unless an outer guard already does.

        Raises:
            RuntimeError: no asyncio task is running.
        """
        if self._limit is not None and not self._limit.enforced:
            self._limit.enforced = self._limit is not self._outer
            from asyncio import timeout

            cutoff = timeout(self._limit.remaining())
            await cutoff.__aenter__()
            self._asyncio_timeout = cutoff

    def disarm(self) -> None:
        """Do not cancel the task any more, unless it was cancelled already."""
        if self._asyncio_timeout is not None and not self._asyncio_timeout.expired():
            self._asyncio_timeout.reschedule(None)

    async def exit_async(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End what `enter_async` began; takes the arguments of `__aexit__`.

        Raises:
            DeadlineExceeded: this time-out cancelled the call.
        """
        if self._asyncio_timeout is None:
            return
        try:
            await self._asyncio_timeout.__aexit__(exc_type, exc, traceback)
        except TimeoutError as expired:
            own = f"{self._timeout:g} s" if self._own_expired else "the deadline that it was given"
            raise DeadlineExceeded(
                f"breaker {self._name!r}: the call did not end within {own}"
            ) from expired

    def exceeded_by(self, seconds: float) -> bool:
        """Return True if a call of that duration exceeded the time-out of its own guard."""
        return self._timeout is not None and (self._own_expired or seconds > self._timeout)

    @property
    def outer_expired(self) -> bool:
        """True if the deadline set by a caller has passed."""
        if self._outer is None:
            return False
        return self._outer.remaining() <= 0 or (self._expired and not self._own_expired)

    @property
    def _expired(self) -> bool:
        return self._asyncio_timeout is not None and self._asyncio_timeout.expired()

    @property
    def _own_expired(self) -> bool:
        return self._expired and self._limit is not self._outer
