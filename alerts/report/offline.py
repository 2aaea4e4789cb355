"""Reports from the files of a host, where no service answers."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.report.collect import Sources, collect
from breakerd.alerts.report.gather import gather
from breakerd.alerts.report.lookup import MAX_LATEST, lookup
from breakerd.alerts.report.report import IncidentReport
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.settings import record_beside
from breakerd.breaker.storage.regular_file import require_regular

_BUSY_TIMEOUT: Final = 2.0
_QUERY: Final = "SELECT data FROM incidents ORDER BY opened_at DESC LIMIT ?"
_PERCENTILE: Final = 0.95


class OfflineError(Exception):
    """The database cannot be read; says why, and of which file."""


def read_report(
    database: Path, record: Path | None, wanted: str, now: float | None = None
) -> IncidentReport:
    """Return the report of an incident from files. Changes nothing.

    Args:
        database: database of alerts.
        record: the record of the host; None for the one beside the database.
        wanted: see `lookup`.
        now: seconds since the epoch; None for the present time.

    Raises:
        OfflineError: the database cannot be read.
        UnknownIncidentError: no incident is meant, or several are.
    """
    incident = lookup(wanted, list(_incidents(database)))
    peak = incident.peak
    percentile = _PERCENTILE if peak is None else peak.percentile
    reader = RecordReader(record or record_beside(database))
    sources = Sources(reader, _nothing, lambda _: percentile)
    made_at = time.time() if now is None else now
    return gather(incident, collect(incident, sources, made_at), made_at)


def _incidents(database: Path) -> Iterator[Incident]:
    """Yield the incidents, newest first; those that cannot be read are left out.

    Raises:
        OfflineError: there is no such file, or it is none of ours.
    """
    try:
        require_regular(database)
        with closing(_connect(database)) as connection:
            rows = connection.execute(_QUERY, (MAX_LATEST,)).fetchall()
    except (OSError, sqlite3.Error) as error:
        raise OfflineError(f"{database}: cannot read the database of alerts: {error}") from error
    for (data,) in rows:
        try:
            yield Incident.from_dict(json.loads(data))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue


def _connect(database: Path) -> sqlite3.Connection:
    """Open a database to read it; one that nobody has open without files beside it."""
    used = database.with_name(f"{database.name}-wal").exists()
    mode = "mode=ro" if used else "mode=ro&immutable=1"
    uri = f"{database.absolute().as_uri()}?{mode}"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT)


def _nothing(_breaker: str, _start: float, _end: float) -> tuple[HistorySlot, ...]:
    """Return nothing: no process is asked."""
    return ()
