"""Reports from files, where no service answers."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from breakerd.alerts.report.lookup import UnknownIncidentError
from breakerd.alerts.report.offline import OfflineError, read_report
from breakerd.alerts.storage.store import Store
from tests.support.incident_reports import NOW, incident


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database of alerts with one incident, closed as after the end of its service."""
    path = tmp_path / "breakerd.db"
    store = Store(path, "test")
    store.open()
    assert store.acquire_lease("boot", 0.0, 10.0)
    assert store.save([(incident(), True)], {})
    store.close()
    return path


def test_a_report_from_the_database(database: Path) -> None:
    found = read_report(database, None, "0123abcd4567", NOW)
    assert found.message == "payments: p95 latency 900 ms (limit 600 ms)"
    assert found.made_at == NOW
    assert found.missing == ("calls of payments: none are recorded for this time",)
    assert read_report(database, None, "0123").id == "0123abcd4567"


def test_nothing_is_changed(database: Path) -> None:
    before = sorted(path.name for path in database.parent.iterdir())
    read_report(database, None, "0123")
    assert sorted(path.name for path in database.parent.iterdir()) == before


def test_an_unknown_incident(database: Path) -> None:
    with pytest.raises(UnknownIncidentError, match="nearest are 0123abcd4567"):
        read_report(database, None, "other")


def test_an_incident_that_cannot_be_read_is_left_out(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE incidents SET data = '{}'")
    with pytest.raises(UnknownIncidentError, match="there has been no incident"):
        read_report(database, None, "0123")


def test_a_file_that_is_none_of_ours(tmp_path: Path) -> None:
    other, fifo = tmp_path / "other.db", tmp_path / "fifo"
    other.write_text("no database, but long enough to be taken for one" * 50)
    os.mkfifo(fifo)
    for path in (tmp_path / "none.db", other, fifo):
        with pytest.raises(OfflineError, match="cannot read the database of alerts"):
            read_report(path, None, "0123")
    assert not (tmp_path / "none.db").exists()
