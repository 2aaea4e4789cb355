"""Table of the configurations of a file, in a SQLite database that the host's processes share."""

import hmac
import json
import secrets
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, NamedTuple

from breakerd.breaker.config.following.origin import Origin, Way
from breakerd.breaker.config_log.masking import Masked, from_json
from breakerd.breaker.config_log.row import ConfigRow, difference
from breakerd.breaker.storage.database_file import FileOptions
from breakerd.breaker.storage.timed_database import TimedDatabase

KEPT: Final = 1_000
"""Number of configurations of a file that are kept."""
_MAX_BYTES: Final = 64 << 20
"""Size of all of them, compressed, above which the oldest go earlier."""
_LARGEST: Final = 1 << 62
"""Number above all numbers, which SQLite can hold."""
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS configs (
    file TEXT NOT NULL, number INTEGER NOT NULL, pending INTEGER NOT NULL, at REAL NOT NULL,
    digest TEXT NOT NULL, prints TEXT NOT NULL, way TEXT NOT NULL, author TEXT NOT NULL,
    access TEXT NOT NULL, reason TEXT NOT NULL, process TEXT NOT NULL, temporary TEXT NOT NULL,
    written INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (file, number)
);
"""
_OPTIONS: Final = FileOptions(synchronous="NORMAL", busy_timeout=0.5)
"""What is lost with the power is noted again at the next start, without its author."""
_COLUMNS: Final = (
    "number, at, digest, prints, way, author, access, reason, process, temporary, written, data"
)


class Entry(NamedTuple):
    """What is to be noted of one configuration.

    Attributes:
        masked: its values.
        origin: who has asked for it.
        at: time in seconds since the epoch.
        temporary: keys with temporary values.
        written: False if its change could not be written to the file.
    """

    masked: Masked
    origin: Origin
    at: float
    temporary: tuple[str, ...] = ()
    written: bool = True


class ConfigTable:
    """Configurations by file and number. Thread-safe. An inherited one does not work in a fork.

    No method raises: if the database fails, each returns None.

    Args:
        path: the database; created if it is missing, and readable by its user only.
        file: the configuration file whose rows these are.
        process: host and process, for the rows.
    """

    def __init__(self, path: Path, file: str, process: str) -> None:
        self._database = TimedDatabase(path, _SCHEMA, _VERSION, _nothing, _OPTIONS)
        self._file = file
        self._process = process

    @property
    def problem(self) -> str:
        """Return why nothing is noted at present; empty if all is well."""
        return self._database.problem

    def open(self) -> None:
        """Open or create the database.

        Raises:
            RuntimeError: its thread cannot be started.
        """
        self._database.open()

    def close(self) -> None:
        """Close it for good."""
        self._database.close()

    def begin(self, before: Entry, wanted: Entry) -> int | None:
        """Note a configuration that is about to be written to the file; return its number.

        Args:
            before: what is in force; noted too, if it is not yet.
            wanted: the new one. It counts once `confirm` is called, or anybody finds it in force.
        """

        def act(connection: sqlite3.Connection) -> int:
            newest = self._note(connection, before, in_turn=True)
            self._insert(connection, newest + 1, wanted, pending=True)
            return newest + 1

        return self._database.transaction("write", act)

    def confirm(self, number: int, *, written: bool) -> bool | None:
        """Note that a configuration that was begun is in force; False if its row is gone."""

        def act(connection: sqlite3.Connection) -> bool:
            query = "UPDATE configs SET pending = 0, written = ? WHERE file = ? AND number = ?"
            found = connection.execute(query, (written, self._file, number)).rowcount > 0
            self._prune(connection, number)
            return found

        return self._database.transaction("write", act)

    def note(self, entry: Entry) -> int | None:
        """Note a configuration that is in force, unless it is the newest; return its number."""

        def act(connection: sqlite3.Connection) -> int:
            number = self._note(connection, entry)
            self._prune(connection, number)
            return number

        return self._database.transaction("write", act)

    def rows(self, limit: int, before: int | None = None) -> list[ConfigRow] | None:
        """Return the newest rows with what each has changed, newest first.

        Args:
            limit: maximum number of rows.
            before: only rows with lower numbers.
        """
        bound = _LARGEST if before is None else min(before, _LARGEST)
        query = (
            f"SELECT {_COLUMNS} FROM configs WHERE file = ? AND pending = 0 AND number < ? "  # noqa: S608 - our own words
            "ORDER BY number DESC LIMIT ?"
        )
        found = self._database.try_rows(query, (self._file, bound, limit + 1))
        if found is None:
            return None
        rows = [each for each in map(_row, found) if each is not None]
        return [*_with_changes(rows)][:limit]

    def row(self, number: int) -> ConfigRow | None:
        """Return one row, with what it has changed; None if it is not there."""
        found = self.rows(1, number + 1)
        return found[0] if found and found[0].number == number else None

    def with_digest(self, digest: str) -> ConfigRow | None:
        """Return the newest row whose digest begins so; None if there is none."""
        query = (
            "SELECT max(number) FROM configs WHERE file = ? AND pending = 0 "
            "AND substr(digest, 1, ?) = ?"
        )
        found = self._database.rows(query, (self._file, len(digest), digest))
        number = found[0][0] if found else None
        return None if number is None else self.row(number)

    def _note(self, connection: sqlite3.Connection, entry: Entry, *, in_turn: bool = False) -> int:
        """Return the number of a configuration in force: of the newest row, or of a new one.

        What was begun, and is not in force, never was: its process was killed, or had to begin
        again. Only with `in_turn` nobody else can be about to write it.
        """
        prints = self._prints(connection, entry.masked)
        query = (
            "SELECT number, pending, digest, prints FROM configs WHERE file = ? "
            "ORDER BY number DESC"
        )
        newest, known = 0, False
        for number, pending, *found in connection.execute(query, (self._file,)):
            known = found == [entry.masked.digest, prints]
            if known or not pending:
                newest = number
                break
        confirm = "UPDATE configs SET pending = 0 WHERE file = ? AND number = ?"
        connection.execute(confirm, (self._file, newest if known else -1))
        if in_turn or not known:
            query = "DELETE FROM configs WHERE file = ? AND pending = 1"
            connection.execute(query, (self._file,))
        if not known:
            newest += 1
            self._insert(connection, newest, entry, pending=False)
        return newest

    def _insert(
        self, connection: sqlite3.Connection, number: int, entry: Entry, *, pending: bool
    ) -> None:
        origin = entry.origin
        connection.execute(
            "INSERT OR REPLACE INTO configs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(self._file, number, pending, entry.at, entry.masked.digest),
                *(self._prints(connection, entry.masked), origin.way.value, origin.by),
                *(origin.right, origin.reason, self._process, json.dumps(entry.temporary)),
                *(entry.written, zlib.compress(entry.masked.text.encode(errors="surrogatepass"))),
            ),
        )

    def _prune(self, connection: sqlite3.Connection, newest: int) -> None:
        query = "DELETE FROM configs WHERE file = ? AND number <= ?"
        connection.execute(query, (self._file, newest - KEPT))
        query = "SELECT number, length(data) FROM configs WHERE file = ? ORDER BY number DESC"
        total = 0
        for number, size in connection.execute(query, (self._file,)).fetchall():
            total += size
            if total > _MAX_BYTES and number < newest:
                query = "DELETE FROM configs WHERE file = ? AND number <= ?"
                connection.execute(query, (self._file, number))
                return

    def _prints(self, connection: sqlite3.Connection, masked: Masked) -> str:
        """Return hashes of the secrets: so short that they say nothing but that one has changed."""
        query = "INSERT OR IGNORE INTO meta VALUES ('salt', ?)"
        connection.execute(query, (secrets.token_bytes(32),))
        query = "SELECT value FROM meta WHERE name = 'salt'"
        (salt,) = connection.execute(query).fetchone()
        return json.dumps(
            {".".join(key): _print(salt, secret) for key, secret in sorted(masked.secrets.items())}
        )


def _print(salt: bytes, secret: str) -> str:
    return hmac.digest(salt, secret.encode(errors="surrogatepass"), "sha256")[:2].hex()


def _with_changes(rows: list[ConfigRow]) -> Iterator[ConfigRow]:
    """Yield rows, newest first, with what each has changed; the oldest without."""
    for row, before in zip_longest(rows, rows[1:]):
        yield row if before is None else replace(row, changes=difference(before, row))


def _row(values: tuple[Any, ...]) -> ConfigRow | None:
    """Return the row; None if another program has written there."""
    number, at, digest, prints, way, author, access, reason, process, temporary, written, data = (
        values
    )
    try:
        found = from_json(zlib.decompress(data).decode(errors="surrogatepass"))
        known: Mapping[str, str] = json.loads(prints)
        return ConfigRow(
            int(number),
            float(at),
            str(digest),
            Origin(Way(way), str(author), str(access), str(reason)),
            str(process),
            tuple(map(str, json.loads(temporary))),
            bool(written),
            found,
            known,
        )
    except (zlib.error, ValueError, TypeError):
        return None


def _nothing() -> None:
    """Do nothing before the file is opened."""
