"""Hub in a file: each operation is one short transaction, which no other waits long for."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from breakerd.breaker.fleet.hub.file.records import SCHEMA, VERSION, SqliteRecords
from breakerd.breaker.fleet.hub.file.store import FileStore, topic_versions
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError, MemberEntry, Progress
from breakerd.breaker.fleet.hub.state import HubState, random_id
from breakerd.breaker.fleet.messages import FLEET, Act, PoolView, Register, Report, View
from breakerd.breaker.fork import ProcessLock
from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.database_file import FileOptions, primary_code
from breakerd.breaker.storage.timed_database import TimedDatabase

T = TypeVar("T")

_log = get_logger(__name__)

_OPTIONS: Final = FileOptions(synchronous="NORMAL", busy_timeout=0.25)
"""The next reports bring again what is lost with the power."""
LOCKED_LIMIT: Final = 5.0
"""Seconds for which the file may be locked: by a process that was stopped in a transaction."""
_NOT_OURS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors that records of another shape lead to."""


class FileHub:
    """Hub in a SQLite file. Thread-safe. One that a forked child inherits does not work in it.

    A file that somebody keeps locked for `LOCKED_LIMIT` seconds is replaced, and the hub begins
    anew; so it does if another program has written to the file.

    Args:
        path: the file; created if it is missing, and readable by its user only.
        clock: returns hub time in seconds: the same for all processes of the host.
        new_id: returns random ids.
        steady_clock: returns seconds; never jumps.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = random_id,
        steady_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = TimedDatabase(path, SCHEMA, VERSION, _nothing, _OPTIONS)
        self._clock = clock
        self._new_id = new_id
        self._steady_clock = steady_clock
        self._locked_since: float | None = None
        self._opened = False
        self._opening = ProcessLock()
        self._mark = 0
        self.store = FileStore(self._store)
        """Topics and leases."""

    @property
    def problem(self) -> str:
        """Reason why the file cannot be used at present; empty if it can."""
        return self._database.problem

    def exchange(self, report: Report) -> View:
        """Take a member's report; return its view."""
        return self._transact("exchange", lambda turn: _exchange(turn, report))

    def set_mode(self, register: Register) -> Register:
        """Write an operator's mode; return it with epoch and time filled in."""
        return self._execute("command", lambda state, now: state.set_mode(register, now))

    def act(self, act: Act) -> Act:
        """Hand out an act; return it with its time filled in."""
        return self._execute("command", lambda state, now: state.act(act, now))

    def progress(self, breaker: str, command: str) -> Progress:
        """Return how far a command has come. Reads all members."""
        return self._execute("look", lambda state, now: state.progress(breaker, command, now))

    def members(self) -> tuple[MemberEntry, ...]:
        """Return all members. Reads all of them."""
        return self._execute("look", lambda state, now: state.members(now))

    def pool(self, name: str, scope: str) -> tuple[PoolView, tuple[int, ...]]:
        """Return the sums of one scope, and the merged sketch of durations."""
        return self._execute("look", lambda state, now: _pool_of(state, name, scope, now))

    def command_mark(self) -> int:
        """Return a number that is another one after each command; cheap, and never raises.

        For a look every 100 ms. The file need not be readable: then it stays as it was.
        """
        self._open()
        rows = self._database.rows("SELECT number FROM command_mark")
        if rows:
            self._mark = int(rows[0][0])
        return self._mark

    def close(self) -> None:
        """Close the file for good."""
        self._database.close()

    def _store(self, operation: Callable[[SqliteRecords, str, float], T]) -> T:
        """Execute an operation of the store, which is given the epoch too."""
        return self._transact(
            "store", lambda turn: operation(turn.records, turn.state.epoch(turn.now), turn.now)
        )

    def _execute(self, what: str, operation: Callable[[HubState, float], T]) -> T:
        def act(turn: _Turn) -> T:
            result = operation(turn.state, turn.now)
            if what == "command":
                turn.records.note_command()
            return result

        return self._transact(what, act)

    def _transact(self, what: str, operation: Callable[["_Turn"], T]) -> T:
        self._open()

        def act(connection: sqlite3.Connection) -> T:
            now = self._clock()
            records = SqliteRecords(connection)
            turn = _Turn(records, HubState(records, self._new_id), now)
            try:
                result = operation(turn)
            except (*_NOT_OURS, sqlite3.OperationalError) as error:
                if isinstance(error, sqlite3.OperationalError) and not _lacks_table(error):
                    raise
                records.clear()
                result = operation(turn)  # if that fails too, nothing was changed
                _log.error("hub begins anew: not its own data", problem=repr(error))
            records.save(now)
            return result

        result = self._database.transaction(what, act, optimistic=True)
        if result is None:
            self._note_failure()
            raise HubUnavailableError(self._database.problem or "the hub's file is closed")
        self._locked_since = None
        return result

    def _open(self) -> None:
        with self._opening:
            if not self._opened:
                self._database.open()
                self._opened = True

    def _note_failure(self) -> None:
        """Replace a file that has been locked for too long."""
        now = self._steady_clock()
        if not self._database.busy:
            self._locked_since = None
        elif self._locked_since is None:
            self._locked_since = now
        elif now - self._locked_since >= LOCKED_LIMIT:
            _log.error("hub begins anew: its file stays locked", file=str(self._database.path))
            self._database.replace()
            self._locked_since = None


class _Turn(NamedTuple):
    """One transaction: the records, their meaning, and hub time."""

    records: SqliteRecords
    state: HubState
    now: float


def _exchange(turn: _Turn, report: Report) -> View:
    view = turn.state.exchange(report, turn.now)
    return view._replace(topics=topic_versions(turn.records))


def _pool_of(
    state: HubState, name: str, scope: str, now: float
) -> tuple[PoolView, tuple[int, ...]]:
    """Return the sums of one scope: those of the fleet for a host that is all there is."""
    kind, _, host = scope.partition(":")
    infos = [each.info for each in state.members(now)] if kind == "host" else []
    if not any(info.one_host and info.host == host for info in infos):
        return state.pool(name, scope, now)
    view, sketch = state.pool(name, FLEET, now)
    return view._replace(scope=scope), sketch


def _lacks_table(error: sqlite3.OperationalError) -> bool:
    """Return True if a table, or a column of it, is not there."""
    return primary_code(error) == sqlite3.SQLITE_ERROR


def _nothing() -> None:
    """Do nothing before the file is opened."""
