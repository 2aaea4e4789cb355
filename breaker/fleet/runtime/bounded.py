"""Bounded wait: an operation that may hang keeps nobody longer than they have time."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError

T = TypeVar("T")

_TOO_LONG = "the hub does not answer in time"


def run_until(deadline: float, operation: Callable[[], T]) -> T:
    """Return the result of an operation on a hub, or raise what it raises.

    It runs on a thread of its own, and goes on there if it takes too long: what it was to do may be
    done all the same.

    Args:
        deadline: time of the process's clock up to which it is waited for.
        operation: the operation.

    Raises:
        HubUnavailableError: it has not ended by then; if the time is over, it is not begun.
    """
    left = deadline - CLOCK.monotonic()
    if left <= 0:
        raise HubUnavailableError(_TOO_LONG)
    task = _Task(operation)
    try:
        threading.Thread(target=task.run, name="breakerd-command", daemon=True).start()
    except RuntimeError:
        task.run()  # the system gives no thread: the hub's client has limits of its own
    if not task.ended.wait(left):
        raise HubUnavailableError(_TOO_LONG)
    return task.result()


class _Task(Generic[T]):
    """An operation, and what came of it."""

    def __init__(self, operation: Callable[[], T]) -> None:
        self.ended = threading.Event()
        self._operation = operation
        self._result: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        """Execute the operation, and keep what comes of it."""
        try:
            self._result.append(self._operation())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error
        self.ended.set()

    def result(self) -> T:
        """Return the result, or raise the exception."""
        if self._error is not None:
            raise self._error
        return self._result[0]
