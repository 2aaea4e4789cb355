"""Transfer of what one database holds to another, which is safe to repeat.

Each file is changed in one transaction: first the target gets everything, then the source loses it
and names the target. If the process is killed in between, both have it; the source still counts
then, and the next transfer replaces what the target has of it.
"""

import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from breakerd.alerts.storage.schema import MOVED_TO
from breakerd.alerts.storage.silence_table import MERGE_SILENCE, renew_version
from breakerd.alerts.storage.store import ADOPT_INCIDENT, Store
from breakerd.breaker.storage.database import Database

Rows = list[tuple[Any, ...]]

_EPOCH: Final = "epoch"
_SIGNATURE: Final = b"SQLite format 3\0"
"""First bytes of each database."""
_IN_USE: Final = (
    "SELECT EXISTS (SELECT 1 FROM lease WHERE holder NOT IN ('', ?)) "
    "OR EXISTS (SELECT 1 FROM incidents WHERE NOT settled)"
)


@dataclass(frozen=True, slots=True)
class _Content:
    """Rows of a database."""

    open: Rows
    settled: Rows
    cooldowns: Rows
    silences: Rows
    commands: Rows
    epoch: Rows


def transfer(source: Store, target: Store) -> bool:
    """Transfer what `source` holds to `target`; return False if a file fails.

    A source that cannot be read has nothing to transfer: its leader has all of it in memory.
    """
    content = _read(source.database)
    if content is None:
        return True
    fill = partial(_fill, content, source.process)
    if target.database.transaction("write", fill) is None:
        return False
    clear = partial(_clear, content, str(target.path.absolute()))
    return source.database.transaction("write", clear) is not None


def unmark(store: Store) -> bool:
    """Have a database count as used again that was moved away from; return False if it fails."""
    return store.database.write("DELETE FROM metadata WHERE name = ?", [(MOVED_TO,)])


def moved_to(store: Store) -> Path | None:
    """Return the database to which that one was moved; None if it was not."""
    path = store.get_value(MOVED_TO)
    return Path(path) if path else None


def living_peers(store: Store, boot: str) -> set[str]:
    """Return the other living processes that have registered in a database since this boot."""
    query = "SELECT id FROM peers WHERE id != ? AND boot = ?"
    rows = store.database.rows(query, (store.process, boot))
    return {process for (process,) in rows if not store.is_dead(process)}


def registered(store: Store) -> set[str]:
    """Return all processes that have registered in a database, whether or not they live."""
    return {process for (process,) in store.database.rows("SELECT id FROM peers")}


def database_problem(path: Path) -> str:
    """Return why incidents cannot be stored in a file; empty if nothing speaks against it.

    Nothing is created or changed.
    """
    try:
        if path.exists():
            return _file_problem(path)
        folder = next(each for each in path.absolute().parents if each.exists())
    except OSError as error:  # too long, or in a folder that may not be entered
        return f"a path that cannot be used ({error.strerror})"
    usable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    return "" if usable else f"{folder}, in which nothing can be created"


def _file_problem(path: Path) -> str:
    if not path.is_file():
        return f"{path}, which is not a file"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"{path}, which is not writable"
    try:
        with path.open("rb") as file:
            beginning = file.read(len(_SIGNATURE))
    except OSError as error:
        return f"{path}, which cannot be read ({error.strerror})"
    return "" if beginning in {b"", _SIGNATURE} else f"{path}, which is another file"


def _read(database: Database) -> _Content | None:
    found = [
        database.try_rows(query)
        for query in (
            "SELECT * FROM incidents WHERE NOT settled",
            "SELECT * FROM incidents WHERE settled",
            "SELECT * FROM cooldowns",
            "SELECT * FROM silences",
            "SELECT number, incident, data FROM commands ORDER BY number",
            f"SELECT name, value FROM metadata WHERE name = '{_EPOCH}'",  # noqa: S608 - a constant
        )
    ]
    rows = [each for each in found if each is not None]
    return _Content(*rows) if len(rows) == len(found) else None


def _fill(content: _Content, process: str, connection: sqlite3.Connection) -> bool:
    in_use = connection.execute(_IN_USE, (process,)).fetchone()[0]
    if not in_use:
        connection.executemany("INSERT OR REPLACE INTO metadata VALUES (?, ?)", content.epoch)
    connection.executemany(_insert("INSERT OR REPLACE"), content.open)
    connection.executemany(_insert("INSERT OR IGNORE"), content.settled)
    connection.executemany(
        "INSERT INTO cooldowns VALUES (?, ?, ?) ON CONFLICT (breaker, kind) DO UPDATE "
        "SET notified_at = max(notified_at, excluded.notified_at)",
        content.cooldowns,
    )
    if content.silences:
        connection.executemany(MERGE_SILENCE, content.silences)
        renew_version(connection)
    # A leader of the target does not know yet of what came to its file.
    adopted = ((row[0], json.dumps({"action": ADOPT_INCIDENT})) for row in content.open)
    _add_commands(connection, adopted)
    _add_commands(connection, (row[1:] for row in content.commands))
    return True


def _clear(content: _Content, target: str, connection: sqlite3.Connection) -> bool:
    connection.executemany("DELETE FROM incidents WHERE id = ?", _keys(content.open))
    connection.executemany("DELETE FROM silences WHERE id = ?", _keys(content.silences))
    connection.executemany("DELETE FROM commands WHERE number = ?", _keys(content.commands))
    connection.execute("INSERT OR REPLACE INTO metadata VALUES (?, ?)", (MOVED_TO, target))
    return True


def _insert(verb: str) -> str:
    return f"{verb} INTO incidents VALUES (?, ?, ?, ?, ?, ?)"


def _add_commands(connection: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    connection.executemany("INSERT INTO commands (incident, data) VALUES (?, ?)", rows)


def _keys(rows: Rows) -> list[tuple[Any]]:
    return [(row[0],) for row in rows]
