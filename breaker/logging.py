"""Log through the standard library, with fields; silent until the host configures logging.

The message holds its fields as `key=value`, for hosts that only print it. `record.event` and
`record.fields` hold them apart, for hosts that want structure.

While alerting runs, the host's handlers get our records from a thread of their own (`relayed`): a
handler that blocks, such as one that writes to a pipe nobody reads, must not keep a page back.
"""

import atexit
import contextvars
import logging
import os
import queue
import threading
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final, Generic, Self, TypeVar

from breakerd.breaker.encoding.printable import printable

T = TypeVar("T")

ROOT: Final = "breakerd"
"""The logger above all of this distribution's."""
_ARGUMENTS_OF_LOGGING: Final = frozenset({"exc_info", "stack_info", "stacklevel"})

_MAX_WAITING: Final = 10_000
"""Maximum number of items that wait for the output; later ones are dropped."""
_EXIT_TIMEOUT: Final = 1.0
"""Maximum seconds that the end of the process waits for blocked handlers."""

_Entry = tuple[contextvars.Context, logging.LogRecord]


class FieldLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs an event with fields: `log.warning("config check failed", path=path)`. Thread-safe."""

    def process(
        self, msg: str, kwargs: MutableMapping[str, Any]
    ) -> tuple[str, MutableMapping[str, Any]]:
        """Turn keyword arguments into fields of the record."""
        arguments = {key: value for key, value in kwargs.items() if key in _ARGUMENTS_OF_LOGGING}
        fields = {key: value for key, value in kwargs.items() if key not in arguments}
        text = " ".join([msg, *(f"{key}={value}" for key, value in fields.items())])
        return printable(text), {**arguments, "extra": {"event": msg, "fields": fields}}


class LogRelay(Generic[T]):
    """Bounded queue with one thread that delivers what is put into it. Thread-safe.

    So no thread that logs waits for a terminal, a pipe or a disk.

    Args:
        name: name of the thread.
        deliver: writes one item; it may block for any time.
        tell_dropped: called in the thread, with the number of items dropped since the last call,
            when the output accepts items again.
        limit: maximum number of items that wait.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[T], None],
        tell_dropped: Callable[[int], None],
        *,
        limit: int = _MAX_WAITING,
    ) -> None:
        self.dropped = 0
        """Number of items that were dropped because too many waited."""
        self._deliver = deliver
        self._tell_dropped = tell_dropped
        self._limit = limit
        self._told = 0
        # Reentrant, because a signal handler or a finalizer may log while its thread is in here.
        self._waiting: queue.SimpleQueue[T | threading.Event | None] = queue.SimpleQueue()
        self._counting = threading.RLock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Self:
        """Start the thread; what was put before is delivered too.

        Raises:
            RuntimeError: it cannot be started.
        """
        self._thread.start()
        return self

    @property
    def runs_here(self) -> bool:
        """True in the thread that delivers."""
        return threading.get_ident() == self._thread.ident

    def put(self, item: T) -> None:
        """Have `item` delivered; drop and count it if too many wait. Never blocks."""
        if self._waiting.qsize() < self._limit:
            self._waiting.put(item)
            return
        with self._counting:
            self.dropped += 1

    def flush(self, timeout: float) -> bool:
        """Wait until all that was put before is delivered; return False after `timeout` seconds."""
        reached = threading.Event()
        self._waiting.put(reached)
        return reached.wait(timeout)

    def end(self) -> None:
        """End the thread after it has delivered what was put before."""
        self._waiting.put(None)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            # A failure has nobody left to be told to, and must not end the thread.
            with suppress(Exception):
                if isinstance(item, threading.Event):
                    item.set()
                else:
                    self._deliver(item)
            with suppress(Exception):
                self._report_dropped()

    def _report_dropped(self) -> None:
        new = self.dropped - self._told
        # What tells it may come through this relay as well, and must not be dropped itself.
        if new and self._waiting.qsize() < self._limit:
            self._told += new
            self._tell_dropped(new)


class Relaying:
    """Switch of the relay between records and handlers. Thread-safe.

    `start` and `stop` are counted: several alertings of one process share the relay. Nothing waits
    while the lock is held: it is older than what gevent replaces, and would block all greenlets.
    """

    def __init__(self) -> None:
        self.relay: LogRelay[_Entry] | None = None
        """The relay; None while the thread that logs calls the handlers itself."""
        self._users = 0
        self._lock = threading.Lock()
        self._dropped_before = 0

    @property
    def dropped(self) -> int:
        """Number of records that were dropped, because the handlers took none for too long."""
        return self._dropped_before + (self.relay.dropped if self.relay else 0)

    def start(self) -> None:
        """Relay records from now on.

        Raises:
            RuntimeError: the thread cannot be started; the handlers are called directly.
        """
        with self._lock:
            self._users += 1
            if self.relay is not None:
                return
            relay = self.relay = LogRelay("breakerd-log", _handle, _tell_dropped)
        try:
            relay.start()
        except RuntimeError:
            self.relay = None
            raise

    def stop(self, timeout: float) -> None:
        """Stop relaying after the last user; wait at most `timeout` seconds for what is waiting."""
        with self._lock:
            # A forked child may stop what only its parent had started.
            self._users = max(0, self._users - 1)
            relay = self.relay
            if self._users or relay is None:
                return
        # While the handlers are blocked, whoever logs would be too.
        if relay.flush(timeout) and self._is_unused(relay):
            relay.end()

    def _is_unused(self, relay: LogRelay[_Entry]) -> bool:
        """Return True if the relay is used no more, unless it was started again meanwhile."""
        with self._lock:
            if self._users or self.relay is not relay:
                return False
            self._dropped_before += relay.dropped
            self.relay = None
            return True

    def flush(self, timeout: float) -> None:
        """Wait until the handlers have the records of before, at most `timeout` seconds."""
        if (relay := self.relay) is not None:
            relay.flush(timeout)

    def forget(self) -> None:
        """Call the handlers directly again: a forked child has no relay thread."""
        self.relay, self._users, self._lock = None, 0, threading.Lock()


relaying = Relaying()
os.register_at_fork(after_in_child=relaying.forget)
# Before logging's own, because registered after it: what is waiting is not lost at exit.
atexit.register(relaying.flush, _EXIT_TIMEOUT)


def get_logger(name: str) -> FieldLogger:
    """Return the logger of a module; give it `__name__`."""
    logger = logging.getLogger(name)
    logger.addFilter(_divert)
    return FieldLogger(logger)


def _divert(record: logging.LogRecord) -> bool:
    """Return True if the caller is to handle the record itself; hand it to the relay if not."""
    relay = relaying.relay
    if relay is None or relay.runs_here:
        return True
    relay.put((contextvars.copy_context(), record))
    return False


def _handle(entry: _Entry) -> None:
    """Call the handlers in the context that the record was logged in."""
    context, record = entry
    context.run(logging.getLogger(record.name).handle, record)


def _tell_dropped(count: int) -> None:
    _log.warning("log records dropped: the handlers were blocked", count=count)


_log = get_logger(__name__)
logging.getLogger(ROOT).addHandler(logging.NullHandler())
