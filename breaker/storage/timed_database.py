"""Database on a disk that may hang: nobody waits for it longer than a few seconds."""

import os
import queue
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from breakerd.breaker.fork import renew_after_fork
from breakerd.breaker.storage.database import Database
from breakerd.breaker.storage.job import Job

T = TypeVar("T")

LIMIT: Final = 5.0
"""Seconds after which an operation counts as failed."""
FORK_LIMIT: Final = 2.0
"""Maximum seconds that a fork waits for the present operation."""


class TimedDatabase(Database):
    """Database whose operations run in a thread of their own. Thread-safe.

    One that takes longer than `LIMIT` seconds counts as failed, and so do all others, at once,
    until it ends. It cannot be stopped: what it was to write may be written all the same.

    The thread starts with `open`. While the process forks, the file is closed for some
    milliseconds, so that the child inherits no connection. In the child, all operations fail at
    once; a database of its own works.

    For the arguments see `Database`.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._hanging = self._ended = self._forked = False
        self._jobs: queue.SimpleQueue[Job[Any]] | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Start the thread if necessary; open or create the file, see `Database`.

        Raises:
            RuntimeError: the thread cannot be started.
        """
        if self._thread is None:
            self._start()
        self._run(super().open, None)

    def close(self) -> None:
        """Close the file for good, and end the thread; later, if the disk hangs."""
        self.finish(super().close)
        self._ended = True
        if self._jobs is not None and not self._forked:
            self._jobs.put(Job(_end))

    def reopened(self) -> bool:
        """Return True if the file was opened since the last call, see `Database`."""
        return self._run(super().reopened, default=False)

    def try_rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]] | None:
        """Return the rows of a query; None if the file fails or hangs."""
        fetch = super().try_rows
        return self._run(lambda: fetch(query, values), None)

    def transaction(
        self, what: str, action: Callable[..., T], *, optimistic: bool = False
    ) -> T | None:
        """Call `action` in a transaction, see `Database`; None if the file fails or hangs."""
        execute = super().transaction
        return self._run(lambda: execute(what, action, optimistic=optimistic), None)

    def give_back(self) -> None:
        """Return space to the file system, see `Database`."""
        self._run(super().give_back, None)

    def replace(self) -> None:
        """Put a new file in the place of one that somebody keeps locked, see `Database`."""
        self._run(super().replace, None)

    def call(self, operation: Callable[[], T], default: T) -> T:
        """Return the result of another operation on the same disk; `default` if it hangs."""
        return self._run(operation, default)

    def finish(self, operation: Callable[[], None]) -> None:
        """Execute an operation that ends something, if the disk hangs when it answers again."""
        if self._forked:
            return  # what ends would end for the parent
        if self._jobs is None or (self._ended and not self._hanging):
            operation()
            return
        self._jobs.put(job := Job(operation))
        if not self._hanging and job.done.wait(LIMIT):
            job.result()

    def pause(self) -> "_Pause | None":
        """Close the file and begin no operation until the pause ends; None if it is not open.

        Waits for the present operation, at most `FORK_LIMIT` seconds.
        """
        if self._jobs is None or self._ended or self._hanging or self._forked:
            return None
        pause = _Pause()
        self._jobs.put(job := Job(lambda: self._hold(pause)))
        if not pause.begun.wait(FORK_LIMIT):
            job.abandoned = True
        return pause

    def after_fork(self) -> None:
        """Let all operations fail at once: this process was forked. Takes no lock."""
        self._forked = True
        self.abandon()

    def _start(self) -> None:
        # Not before: what is made before gevent replaces these classes blocks all greenlets.
        self._jobs = queue.SimpleQueue()
        thread = threading.Thread(
            target=self._work, args=(self._jobs,), name="breakerd-database", daemon=True
        )
        thread.start()
        self._thread = thread
        _databases.add(self)
        renew_after_fork(self)

    def _run(self, operation: Callable[[], T], default: T) -> T:
        if self._forked:
            self._report(f"{self.path}: opened before this process was forked, so not used in it")
            return default
        here = threading.current_thread() is self._thread
        if self._jobs is None or (self._hanging and not here):
            return default
        if here or self._ended:
            return operation()
        job = Job(operation)
        self._jobs.put(job)
        if job.done.wait(LIMIT):
            return job.result()
        job.abandoned = self._hanging = True
        if job.done.is_set():  # at this moment, or while the whole process was stopped
            self._hanging = False
            return job.result()
        self._report(f"{self.path}: the disk has not answered for {LIMIT:g} s")
        return default

    def _work(self, jobs: "queue.SimpleQueue[Job[Any]]") -> None:
        while (job := jobs.get()).operation is not _end:
            # Who waited for it has gone on without it.
            if not job.abandoned:
                job.execute()
            self._hanging = False

    def _hold(self, pause: "_Pause") -> None:
        resume = self.suspend()
        pause.begun.set()
        pause.ended.wait()
        resume()


class _Pause:
    """Time of a fork, in which the file is closed."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()


def _end() -> None:
    """End the thread."""


_databases: Final[weakref.WeakSet[TimedDatabase]] = weakref.WeakSet()
_pauses: Final[dict[int, list[_Pause]]] = {}
"""Pauses by the thread that forks."""


def _before_fork() -> None:
    pauses = [database.pause() for database in _all_databases()]
    _pauses[threading.get_ident()] = [pause for pause in pauses if pause is not None]


def _all_databases() -> list[TimedDatabase]:
    while True:
        # Fails if another thread opens one meanwhile.
        with suppress(RuntimeError):
            return list(_databases)


def _after_fork_in_parent() -> None:
    for pause in _pauses.pop(threading.get_ident(), ()):
        pause.ended.set()


# The child's pauses are forgotten with the threads that they are for.
os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_pauses.clear
)
