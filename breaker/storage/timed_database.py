"""Database on a disk that may hang: nobody waits for it longer than a few seconds."""

import os
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from breakerd.breaker.storage.database import Database

T = TypeVar("T")

LIMIT: Final = 5.0
"""Seconds after which an operation counts as failed."""


class TimedDatabase(Database):
    """Database whose operations run in a thread of their own. Thread-safe.

    One that takes longer than `LIMIT` seconds counts as failed, and so do all others, at once,
    until it ends. It cannot be stopped: what it was to write may be written all the same.

    In a process that was forked later, all operations fail at once: SQLite must not use a
    connection of the parent, and the thread is the parent's.

    For the arguments see `Database`.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._jobs: queue.SimpleQueue[_Job[Any]] = queue.SimpleQueue()
        self._hanging = self._ended = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._work, name="breakerd-database", daemon=True)
        self._thread.start()

    def open(self) -> None:
        """Open or create the file, see `Database`."""
        self._run(super().open, None)

    def close(self) -> None:
        """Close the file for good, and end the thread; later, if the disk hangs."""
        self.finish(super().close)
        self._ended = True
        self._jobs.put(_Job(_end))

    def reopened(self) -> bool:
        """Return True if the file was opened since the last call, see `Database`."""
        return self._run(super().reopened, default=False)

    def try_rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]] | None:
        """Return the rows of a query; None if the file fails or hangs."""
        fetch = super().try_rows
        return self._run(lambda: fetch(query, values), None)

    def transaction(self, what: str, action: Callable[..., T]) -> T | None:
        """Call `action` in a transaction, see `Database`; None if the file fails or hangs."""
        execute = super().transaction
        return self._run(lambda: execute(what, action), None)

    def give_back(self) -> None:
        """Return space to the file system, see `Database`."""
        self._run(super().give_back, None)

    def call(self, operation: Callable[[], T], default: T) -> T:
        """Return the result of another operation on the same disk; `default` if it hangs."""
        return self._run(operation, default)

    def finish(self, operation: Callable[[], None]) -> None:
        """Execute an operation that ends something, if the disk hangs when it answers again."""
        if self._is_forked:
            return  # what ends would end for the parent
        if self._ended and not self._hanging:
            operation()
            return
        self._jobs.put(job := _Job(operation))
        if not self._hanging and job.done.wait(LIMIT):
            job.result()

    @property
    def _is_forked(self) -> bool:
        return os.getpid() != self._process

    def _run(self, operation: Callable[[], T], default: T) -> T:
        if self._is_forked:
            self._report(f"{self.path}: opened before this process was forked, so not used in it")
            return default
        here = threading.current_thread() is self._thread
        if self._hanging and not here:
            return default
        if here or self._ended:
            return operation()
        job = _Job(operation)
        self._jobs.put(job)
        if job.done.wait(LIMIT):
            return job.result()
        job.abandoned = self._hanging = True
        self._report(f"{self.path}: the disk has not answered for {LIMIT:g} s")
        return default

    def _work(self) -> None:
        while (job := self._jobs.get()).operation is not _end:
            # Who waited for it has gone on without it.
            if not job.abandoned:
                job.execute()
            self._hanging = False


class _Job(Generic[T]):
    """One operation, and what came of it."""

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


def _end() -> None:
    """End the thread."""
