"""Schema of the shared database."""

from typing import Final

FORMAT: Final = 3
"""Format of the database. A file with a later format is not opened."""
MOVED_TO: Final = "moved_to"
"""Name of the metadata that holds the database to which this one was moved."""
SCHEMA: Final = """
-- Formats before 3 were never released; nothing of them is kept.
DROP TABLE IF EXISTS incidents;
DROP TABLE IF EXISTS cooldowns;
DROP TABLE IF EXISTS processes;
DROP TABLE IF EXISTS wishes;
DROP TABLE IF EXISTS facts;
CREATE TABLE IF NOT EXISTS incidents (
    id TEXT PRIMARY KEY, breaker TEXT NOT NULL, phase TEXT NOT NULL,
    opened_at REAL NOT NULL, settled INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS incidents_by_time ON incidents (opened_at);
CREATE TABLE IF NOT EXISTS cooldowns (
    breaker TEXT NOT NULL, kind TEXT NOT NULL, notified_at REAL NOT NULL,
    PRIMARY KEY (breaker, kind)
);
CREATE TABLE IF NOT EXISTS silences (id TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lease (
    one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, boot TEXT NOT NULL,
    expires REAL NOT NULL, term INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS peers (id TEXT PRIMARY KEY, boot TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS reports (
    id TEXT PRIMARY KEY, boot TEXT NOT NULL, seen REAL NOT NULL, report TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS commands (
    number INTEGER PRIMARY KEY AUTOINCREMENT, incident TEXT NOT NULL, data TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS metadata (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
