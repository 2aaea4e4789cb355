"""The database cannot be written, is damaged or is gone: alerts leave from memory all the same."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.conftest import Place


def damage(database: Path) -> None:
    """As a bad disk: all that is in the file is something else."""
    with database.open("r+b") as file:
        file.write(os.urandom(database.stat().st_size))


def test_a_full_disk_is_told_and_costs_no_alert(place: Place) -> None:
    """A full disk for the process: no file may grow beyond 60,000 bytes."""
    process = place.start(FILE_SIZE_LIMIT="60000")
    for number in range(40):
        process.tell(f"open b{number}")
    place.wait_for("b39", "created P3")
    assert "incidents are kept in memory only" in process.health()["problems"][0]
    assert not process.health()["ok"]
    assert "database failed, data kept in memory" in process.log
    for number in range(40):
        process.tell(f"reset b{number}")
    for number in range(40):
        place.wait_for(f"b{number}", "closed")


@pytest.mark.parametrize("how", ["damaged", "deleted"])
def test_a_file_that_breaks_while_it_is_used_is_made_anew(place: Place, how: str) -> None:
    process = place.start()
    process.tell("open a")
    place.wait_for("a", "created P3")
    # Stopped meanwhile, so that it makes no new one of which a part is damaged as well.
    process.send(signal.SIGSTOP)
    for file in place.folder.glob("breakerd.db*"):
        if how == "deleted":
            file.unlink()
        elif not file.name.endswith(".lock"):
            damage(file)
    process.send(signal.SIGCONT)
    process.tell("open b")
    place.wait_for("b", "created P3")
    deadline = time.monotonic() + 30
    while incidents_in(place.database) != 2:
        assert time.monotonic() < deadline, process.health()
    process.stop(signal.SIGKILL)
    after = place.start("a", "b")
    after.tell("reset a")
    after.tell("reset b")
    place.wait_for("a", "closed")
    place.wait_for("b", "closed")


def test_a_file_that_was_damaged_before_the_start_is_put_aside(place: Place) -> None:
    place.database.write_bytes(os.urandom(50_000))
    process = place.start("a")
    place.wait_for("a", "created P3")
    assert "was damaged" in process.health()["problems"][0]
    assert len(list(place.folder.glob("breakerd.db.damaged-*"))) == 1
    process.tell("reset a")
    place.wait_for("a", "closed")


def incidents_in(file: Path) -> int:
    """Number of incidents in the file; 0 while it is damaged or missing."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM incidents").fetchone()[0])
    except sqlite3.Error:
        return 0
