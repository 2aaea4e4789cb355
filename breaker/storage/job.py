"""Job: an operation that one thread does, and another waits for."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Job(Generic[T]):
    """One operation, and what came of it.

    Attributes:
        operation: the operation.
        done: set when it has ended.
        abandoned: True if nobody waits for it any more.
    """

    def __init__(self, operation: Callable[[], T]) -> None:
        self.operation = operation
        self.done = threading.Event()
        self.abandoned = False
        self._result: list[T] = []
        self._error: BaseException | None = None

    def execute(self) -> None:
        """Execute it, in the thread."""
        try:
            self._result.append(self.operation())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error
        self.done.set()

    def result(self) -> T:
        """Return the result, or raise the exception."""
        if self._error is not None:
            raise self._error
        return self._result[0]
