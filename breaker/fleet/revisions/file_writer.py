"""Write the revisions of other hosts into the file of this one, in turns with its processes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from breakerd.breaker.config import ConfigFile, Document, Key
from breakerd.breaker.config.file.shared_file import Patience
from breakerd.breaker.config.following.origin import Origin, Way, changing_as
from breakerd.breaker.errors import ConfigConflictError, ConfigError, ConfigWriteError
from breakerd.breaker.fleet.revisions.book import RevisionBook
from breakerd.breaker.fleet.revisions.revision import Revision, dotted
from breakerd.breaker.fleet.revisions.values import file_changes, shared_values
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

Taken = Callable[[Sequence[tuple[Revision, object]]], None]
"""Takes revisions that were written, with the values that they have replaced here."""

_PATIENCE: Final = Patience(0.0, lock=0.5)
"""Time for others: the next exchange with the hub has to wait for it."""
_LOCK_TIME: Final = 0.5
_RETRY_TIME: Final = 1.0
"""Seconds until what could not be written is tried again."""
_ATTEMPTS: Final = 3
"""Attempts with an invalid revision: those that were made together may come one after another."""
_CONFLICTS: Final = 30
"""Attempts with a file that is in use, or that cannot be edited as it is written."""


class FileWriter:
    """Writes what a book says that the file is to take. For one thread.

    Args:
        config: the file.
        book: revisions, and what the file is to take.
        on_taken: called with what was written.
    """

    def __init__(self, config: ConfigFile, book: RevisionBook, on_taken: Taken) -> None:
        self.writes = False
        """True while a change of the file is one of this writer."""
        self._config = config
        self._book = book
        self._on_taken = on_taken
        self._retry_at = float("-inf")
        self._attempts: dict[str, int] = {}
        """Failed attempts by the ids of revisions."""
        self._told: set[str] = set()
        """Ids of revisions that were kept out, and logged."""
        self._problem = ""

    def is_due(self, now: float) -> bool:
        """Return True unless the last attempt has failed a moment ago."""
        return now >= self._retry_at

    def write(self, now: float) -> bool:
        """Write what is to be taken; return False if something is to be tried again.

        It takes at most about 1 s, and raises nothing. Where the file cannot be written, the
        values are in force without it.
        """
        if not self._config.lock.acquire(_LOCK_TIME):
            self._retry_at = now + _RETRY_TIME
            return False
        try:
            self._config.refresh()
            done = self._write_all()
        except Exception:  # noqa: BLE001 - exchanges go on
            _log.exception("settings of the fleet were not taken")
            done = True
        finally:
            self._config.lock.release()
        self._retry_at = float("-inf") if done else now + _RETRY_TIME
        return done

    def _write_all(self) -> bool:
        """Write everything at once, and what is left change by change; True if nothing is left."""
        plan = self._book.plan(shared_values(self._config.lasting))
        if not plan or self._try(plan, {each.id for each in plan.values()}):
            self._attempts.clear()
            return True
        left = [
            number
            for number in sorted({each.id for each in plan.values()})
            if not self._try_one(plan, number)
        ]
        return not left

    def _try_one(self, plan: Mapping[Key, Revision], number: str) -> bool:
        """Try one change; return True if it was written, or is given up."""
        try:
            self._write(plan, {number})
        except (ConfigError, ConfigConflictError) as error:
            self._attempts[number] = self._attempts.get(number, 0) + 1
            limit = _ATTEMPTS if isinstance(error, ConfigError) else _CONFLICTS
            if self._attempts[number] < limit:
                return False
            refused = [each for each in plan.values() if each.id == number]
            self._book.refuse(refused, str(error))
            if number not in self._told:
                self._told.add(number)
                keys = [dotted(each.key) for each in refused]
                _log.warning("settings of the fleet are kept out", keys=keys, problem=str(error))
        self._attempts.pop(number, None)
        return True

    def _try(self, plan: Mapping[Key, Revision], numbers: set[str]) -> bool:
        try:
            self._write(plan, numbers)
        except (ConfigError, ConfigConflictError):
            return False
        return True

    def _write(self, plan: Mapping[Key, Revision], numbers: set[str]) -> None:
        """Write the changes with these ids, as far as the file is still to take them.

        Raises:
            ConfigError: a value is invalid here; nothing was changed.
            ConfigConflictError: the file is in use, or cannot be edited; nothing was changed.
        """
        taken: list[tuple[Revision, object]] = []

        def changes(document: Document) -> Mapping[Key, object]:
            values = shared_values(document)
            wanted = {
                key: each
                for key, each in self._book.plan(values).items()
                if key in plan and each.id in numbers
            }
            if not wanted:
                raise _NothingLeftError
            taken[:] = [(each, values.get(key)) for key, each in wanted.items()]
            return file_changes(document, {key: each.value for key, each in wanted.items()})

        names = sorted({each.by for each in plan.values() if each.id in numbers and each.by})
        self.writes = True
        try:
            with changing_as(Origin(Way.FLEET, ", ".join(names))):
                self._config.change(changes, _PATIENCE)
        except _NothingLeftError:
            return  # another process of the host has written it
        except ConfigWriteError as error:
            self._tell(str(error))
        else:
            self._tell("")
        finally:
            self.writes = False
        keys = [dotted(each.key) for each, _ in taken]
        _log.info(
            "settings of the fleet taken", keys=keys, by=sorted({each.by for each, _ in taken})
        )
        self._on_taken(taken)

    def _tell(self, problem: str) -> None:
        known, self._problem = self._problem, problem
        if problem and not known:
            _log.warning("settings of the fleet are in memory only", problem=problem)


class _NothingLeftError(Exception):
    """The file has everything by now."""
