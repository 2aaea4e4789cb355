"""Schema of the record."""

from typing import Final

from breakerd.breaker.storage.database_file import FileOptions

FORMAT: Final = 1
"""Format of the file. One with a later format is not opened."""
FINE: Final = 10
"""Width in seconds of the slots that processes write."""
COARSE: Final = 60
"""Width in seconds of the slots that are kept longest."""
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS breakers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS processes (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, seen REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS members (
    breaker INTEGER NOT NULL, start INTEGER NOT NULL, process INTEGER NOT NULL,
    number INTEGER NOT NULL, data TEXT NOT NULL, summed INTEGER NOT NULL,
    PRIMARY KEY (breaker, start, process, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_unsummed ON members (breaker, start) WHERE NOT summed;
CREATE TABLE IF NOT EXISTS slots (
    breaker INTEGER NOT NULL, width INTEGER NOT NULL, start INTEGER NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (breaker, width, start)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, breaker TEXT, kind TEXT NOT NULL,
    text TEXT NOT NULL, data TEXT NOT NULL, host TEXT NOT NULL, process TEXT NOT NULL,
    writer TEXT NOT NULL, number INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_time ON events (time);
CREATE UNIQUE INDEX IF NOT EXISTS events_once ON events (writer, number);
CREATE TABLE IF NOT EXISTS lease (
    one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, expires REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS metadata (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""
OPTIONS: Final = FileOptions(synchronous="NORMAL", busy_timeout=1.0, check_at_open=False)
"""What is lost with the power is some seconds of history. The file may be too large to be checked
whenever a process opens it."""
FLOOR: Final = "fine_floor"
"""Name of the metadata that holds the time before which slots of ten seconds were deleted."""
