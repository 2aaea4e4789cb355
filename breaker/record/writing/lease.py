"""Lease of the record: one process of a host sums and deletes. Nothing is wrong if two do."""

import sqlite3
from typing import Final

LENGTH: Final = 30.0
"""Seconds for which a process leads after it has taken the lease."""


def take_lease(connection: sqlite3.Connection, key: str, now: float) -> bool:
    """Take or renew the lease; return False if another process has it.

    Args:
        connection: the file, in a transaction.
        key: id of the process.
        now: seconds since the epoch.
    """
    for holder, expires in connection.execute("SELECT holder, expires FROM lease").fetchall():
        # One beyond the longest lease is of a time before the clock was set back.
        if holder not in {"", key} and now < expires <= now + LENGTH:
            return False
    connection.execute("INSERT OR REPLACE INTO lease VALUES (1, ?, ?)", (key, now + LENGTH))
    return True


def release_lease(connection: sqlite3.Connection, key: str) -> bool:
    """Release the lease, if that process has it."""
    connection.execute("DELETE FROM lease WHERE holder = ?", (key,))
    return True
