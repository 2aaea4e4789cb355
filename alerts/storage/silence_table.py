"""Silences in the shared database."""

import json
import sqlite3
import uuid
from collections.abc import Iterable
from typing import Final, NamedTuple

from breakerd.alerts.model.silence import Silence
from breakerd.breaker.storage.database import Database

_VERSION: Final = "silences"
"""Name of the metadata that changes with every change of a silence."""
_SAVE: Final = "INSERT OR REPLACE INTO silences VALUES (?, ?)"
MERGE_SILENCE: Final = (
    "INSERT INTO silences VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data "
    "WHERE json_extract(excluded.data, '$.ends_at') < json_extract(data, '$.ends_at')"
)
"""Statement that adds a silence; of two with the same id, the one that ends first is kept."""
_PRUNE: Final = "DELETE FROM silences WHERE json_extract(data, '$.ends_at') <= ?"


class Versions(NamedTuple):
    """Versions of the table before and after a change; equal ones mean equal silences."""

    before: str
    after: str


class SilenceTable:
    """Silences of all processes. Thread-safe; it never raises.

    Args:
        database: the shared database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._former_generations = 0

    def switch_to(self, database: Database) -> None:
        """Go on with another file."""
        self._former_generations += self._database.generation
        self._database = database

    @property
    def generation(self) -> int:
        """Number of times that a file was opened; another file may hold other silences."""
        return self._former_generations + self._database.generation

    @property
    def problem(self) -> str:
        """Reason why nothing is stored at present; empty if there is none."""
        return self._database.problem

    def version(self) -> str | None:
        """Return the version, which every change replaces; None if the file fails."""
        query = "SELECT value FROM metadata WHERE name = ?"
        rows = self._database.try_rows(query, (_VERSION,))
        if rows is None:
            return None
        return str(rows[0][0]) if rows else ""

    def rows(self) -> list[tuple[str, str]] | None:
        """Return the id and the JSON text of each silence; None if the file fails."""
        return self._database.try_rows("SELECT id, data FROM silences")

    def save(self, silence: Silence) -> Versions | None:
        """Add or replace a silence; return None if the file fails, and nothing was changed."""

        def save(connection: sqlite3.Connection) -> Versions:
            connection.execute(_SAVE, _row(silence))
            return renew_version(connection)

        return self._database.transaction("write", save)

    def merge(self, silences: Iterable[Silence]) -> bool:
        """Add silences that are missing; of two with the same id keep the one that ends first.

        Returns:
            False if the file fails, and nothing was changed.
        """
        rows = [_row(each) for each in silences]

        def merge(connection: sqlite3.Connection) -> Versions:
            connection.executemany(MERGE_SILENCE, rows)
            return renew_version(connection)

        return not rows or self._database.transaction("write", merge) is not None

    def prune(self, before: float) -> None:
        """Delete the silences that have ended by `before`, in seconds since the epoch."""
        self._database.write(_PRUNE, [(before,)])


def renew_version(connection: sqlite3.Connection) -> Versions:
    """Replace the version of the table, in the transaction that changes it."""
    found = connection.execute("SELECT value FROM metadata WHERE name = ?", (_VERSION,)).fetchone()
    after = uuid.uuid4().hex
    connection.execute("INSERT OR REPLACE INTO metadata VALUES (?, ?)", (_VERSION, after))
    return Versions(found[0] if found else "", after)


def _row(silence: Silence) -> tuple[str, str]:
    return silence.id, json.dumps(silence.as_dict())
