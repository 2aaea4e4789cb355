"""File of the revisions that the settings of this host have had: known after a restart."""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from breakerd.breaker.config.file.locking import LockTimeoutError, file_lock
from breakerd.breaker.fleet.hub.store import SETTINGS, TOPICS
from breakerd.breaker.fleet.revisions.revision import Revision, decode, dotted, encode
from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.regular_file import require_regular
from breakerd.breaker.storage.small_file import create_file, replace_text

_log = get_logger(__name__)

KEPT: Final = TOPICS[SETTINGS].age
"""Seconds for which a revision is kept, as the hub keeps it."""
_VERSION: Final = 1
_LOCK_TIME: Final = 0.5
"""Maximum seconds to wait for another process that changes the file."""


class RevisionsFile:
    """File that all processes of a host write: each adds what was taken. Not thread-safe.

    It never raises: a file that cannot be read is taken for empty, one that cannot be written is
    told once.

    Args:
        path: the file; a missing folder is created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._problem = ""

    def read(self, fleet: str) -> tuple[Revision, ...]:
        """Return the revisions that were taken in the fleet of that name."""
        try:
            require_regular(self.path)
            text = self.path.read_text(encoding="utf-8")
            found = json.loads(text) if text else {"fleet": fleet, "revisions": []}
            kept = found["revisions"] if found["fleet"] == fleet else []
            return tuple(decode(each) for each in kept)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            _log.warning("revisions file is not read", file=str(self.path), problem=repr(error))
            return ()

    def change(
        self, fleet: str, added: Iterable[Revision], removed: Collection[str], now: float
    ) -> None:
        """Add revisions, the later one of a setting stays, and remove those of some keys.

        Args:
            fleet: name of the fleet; those of another one are dropped.
            added: the revisions.
            removed: keys as in entries.
            now: hub time in seconds; what is older than the hub keeps it is dropped.
        """
        given = tuple(added)
        try:
            create_file(self.path)
            with file_lock(self.path, _LOCK_TIME):
                self._replace(fleet, _merged(self.read(fleet), given, removed, now))
        except LockTimeoutError:
            self._tell(f"{self.path}: another process keeps it locked")
        except OSError as error:
            self._tell(f"{self.path}: {error.strerror or error}")
        else:
            self._problem = ""

    def _replace(self, fleet: str, revisions: Iterable[Revision]) -> None:
        kept = [encode(each) for each in revisions]
        text = json.dumps({"version": _VERSION, "fleet": fleet, "revisions": kept})
        replace_text(self.path, text)

    def _tell(self, problem: str) -> None:
        known, self._problem = self._problem, problem
        if not known:
            _log.warning("revisions are not kept on disk", problem=problem)


def _merged(
    found: Iterable[Revision], added: Iterable[Revision], removed: Collection[str], now: float
) -> list[Revision]:
    latest = {each.key: each for each in found if dotted(each.key) not in removed}
    for each in added:
        known = latest.get(each.key)
        if known is None or each.order >= known.order:
            latest[each.key] = each
    return [each for each in latest.values() if now - each.at < KEPT]
