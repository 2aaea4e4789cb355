"""Follow a call to its end where its function returned an awaitable: its work is not done yet."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from inspect import CO_ITERABLE_COROUTINE
from types import GeneratorType, NoneType, TracebackType
from typing import Any, Final, Protocol, TypeVar

from breakerd.breaker.calls.outcome import CallOutcome
from breakerd.breaker.errors import DeadlineExceeded
from breakerd.breaker.guards.guard import ConfiguredGuard, Guard
from breakerd.breaker.guards.lazy_functions import LAZY_RESULTS, refuse_lazy
from breakerd.breaker.guards.rules import Fallback

R = TypeVar("R")

FINISHED_TYPES: Final[set[type]] = {NoneType, bool, int, float, str, bytes, tuple, list, dict}
"""Types of results that are not awaitable, as far as they are known: to look costs 200 ns."""
_MAX_TYPES: Final = 500
"""Maximum number of those types, which are kept alive."""


class _Future(Protocol):
    """A future of asyncio or of `concurrent.futures`."""

    def add_done_callback(self, callback: Callable[[Any], object], /) -> object: ...
    def cancelled(self) -> bool: ...
    def exception(self) -> BaseException | None: ...
    def result(self) -> Any: ...


def is_unfinished(result: object) -> bool:
    """Return True if the work of a call with that result is not done: an awaitable, or a future."""
    cls = type(result)
    if _is_future(cls) or _is_awaitable(result):
        return True
    # Whether a generator is a coroutine, or the work itself, depends on its function.
    if cls not in LAZY_RESULTS and len(FINISHED_TYPES) < _MAX_TYPES:
        FINISHED_TYPES.add(cls)
    return False


def settle(guard: Guard, result: Any, fallback: Fallback | None = None) -> Any:
    """Return the result of a call, judged; if its work is not done, it is judged when it is.

    A coroutine, and any other awaitable, is returned as a coroutine that ends the call. A future
    is returned as it is, and ends the call when it is done.

    Raises:
        TypeError: the result is more than an awaitable, so that it may be used in other ways than
            by `await`. The call counts as abandoned.
    """
    if not is_unfinished(result):
        return guard.judge(result)
    cls = type(result)
    if _is_future(cls):
        _follow(guard.hand_over(), result)
        return result
    if hasattr(cls, "__aenter__") or hasattr(cls, "__aiter__"):
        guard.abandon()
        _close(result)
        raise TypeError(
            f"the call returned {cls.__module__}.{cls.__qualname__}, which is more than an "
            "awaitable; use `async with breaker.guard():` around what uses it"
        )
    return GuardedCoroutine(guard.hand_over(), result, fallback)


def require_begun(guard: Guard, fn: Callable[..., Any], result: R) -> R:
    """Return the result of a call of `fn`.

    Raises:
        TypeError: its work has not begun, as with generators. The call counts as abandoned.
    """
    if type(result) in LAZY_RESULTS:
        try:
            refuse_lazy(fn)
        except TypeError:
            guard.abandon()
            raise
    return result


def require_awaitable(guard: Guard, result: Any) -> Any:
    """Return the result of a call that is awaited next.

    Raises:
        TypeError: it cannot be awaited. The call counts as one that went well.
    """
    if _is_awaitable(result):
        return result
    guard.end()
    raise TypeError(
        f"the call returned {type(result).__qualname__}, which cannot be awaited; "
        "use breaker.call for functions that are not async"
    )


def falls_back(guard: ConfiguredGuard, error: Exception) -> bool:
    """Return True if a fallback replaces `error`: the call was rejected, or failed."""
    not_called = isinstance(error, DeadlineExceeded) and not error.started
    return guard.outcome is CallOutcome.ERROR and not not_called


async def recover(fallback: Fallback, error: Exception) -> Any:
    """Return the result of the fallback, awaited if need be."""
    replacement = fallback(error)
    return await replacement if _is_awaitable(replacement) else replacement


class GuardedCoroutine(Coroutine[Any, Any, Any]):
    """A coroutine that awaits the result of a call, and reports the call however it ends.

    Closed, cancelled or dropped before it was awaited, the call is abandoned.
    """

    __slots__ = ("__weakref__", "_awaitable", "_fallback", "_guard", "_running")

    def __init__(self, guard: Guard, awaitable: Awaitable[Any], fallback: Fallback | None) -> None:
        self._guard = guard
        self._awaitable = awaitable
        self._fallback = fallback
        self._running: Coroutine[Any, Any, Any] | None = None

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._begin().__await__()

    def send(self, value: Any, /) -> Any:
        """Go on, as any coroutine."""
        return self._begin().send(value)

    def throw(
        self, error: Any, value: Any = None, traceback: TracebackType | None = None, /
    ) -> Any:
        """Raise an exception inside, as in any coroutine."""
        if self._running is None:
            # A task that is cancelled before its first step.
            self._discard()
            raise error if value is None else value
        if value is None and traceback is None:
            return self._running.throw(error)
        return self._running.throw(error, value, traceback)

    def close(self) -> None:
        """End it, as any coroutine."""
        if self._running is None:
            self._discard()
        else:
            self._running.close()

    def __getattr__(self, name: str) -> Any:
        # `cr_frame` and the like, for debuggers and `inspect`.
        if name in GuardedCoroutine.__slots__:
            raise AttributeError(name)
        return getattr(self._running or self._awaitable, name)

    def __del__(self) -> None:
        if self._running is None:
            self._guard.abandon()

    def _begin(self) -> Coroutine[Any, Any, Any]:
        if self._running is None:
            self._running = _awaited(self._guard, self._awaitable, self._fallback)
        return self._running

    def _discard(self) -> None:
        self._guard.abandon()
        _close(self._awaitable)
        self._running = _spent()


async def _awaited(guard: Guard, awaitable: Awaitable[Any], fallback: Fallback | None) -> Any:
    try:
        async with guard:
            return guard.judge(await awaitable)
    except Exception as error:
        if fallback is None or not isinstance(guard, ConfiguredGuard):
            raise
        if not falls_back(guard, error):
            raise
        return await recover(fallback, error)
    finally:
        _close(awaitable)  # it may be that it was not begun


def _spent() -> Coroutine[Any, Any, Any]:
    """Return a coroutine that has ended."""

    async def nothing() -> None:
        """End."""

    ended = nothing()
    ended.close()
    return ended


def _follow(guard: Guard, future: _Future) -> None:
    """End the call when the future is done."""

    def end(done: _Future) -> None:
        if done.cancelled():
            guard.abandon()
        elif error := done.exception():
            guard.end(error)
        else:
            guard.judge(done.result())
            guard.end()

    try:
        future.add_done_callback(end)
    except BaseException:  # it may be that its event loop is closed
        guard.abandon()
        raise


def _is_future(cls: type) -> bool:
    # Calls of grpc.aio take callbacks, and tell how they ended only to those who await them.
    return hasattr(cls, "add_done_callback") and hasattr(cls, "exception")


def _is_awaitable(value: object) -> bool:
    # `isinstance` and `inspect.isawaitable` ask for `__class__`, which proxies answer for others.
    if type(value) is GeneratorType:
        return bool(value.gi_code.co_flags & CO_ITERABLE_COROUTINE)
    return hasattr(type(value), "__await__")


def _close(awaitable: object) -> None:
    """Close a coroutine that is not going to be awaited, so that it does not warn of that."""
    if isinstance(awaitable, Coroutine):
        awaitable.close()
