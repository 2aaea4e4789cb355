"""The database cannot be written, is damaged or is gone: alerts leave from memory all the same."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Place
from tests.support.server_process import Server


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


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Another process is in the middle of a write, and does not come to its end."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def silences(server: Server) -> list[str]:
    with server.client() as client:
        return [
            each["id"] for each in client.get("/silences").raise_for_status().json()["silences"]
        ]


def test_a_silence_is_on_the_disk_or_refused(tmp_path: Path) -> None:
    database = tmp_path / "alerts.db"
    (tmp_path / "breakers.toml").write_text(f"[alerts]\ndatabase = '{database}'\n")
    wanted: dict[str, Any] = {"author": "ada", "reason": "a move", "seconds": 6000}
    with Server("--config", "breakers.toml", folder=tmp_path) as server:
        with server.client() as client:
            number = client.post("/silences", json=wanted).raise_for_status().json()["id"]
            with held(database):
                assert client.post("/silences", json=wanted).status_code == 503
                assert client.delete("/silences", params={"id": number}).status_code == 503
            assert silences(server) == [number], "nothing was changed"
        server.stop(signal.SIGKILL)
    with Server("--config", "breakers.toml", folder=tmp_path) as server:
        assert silences(server) == [number], "nor was it later"
        with server.client() as client:
            assert client.delete("/silences", params={"id": number}).status_code == 204
        server.stop(signal.SIGKILL)
    with Server("--config", "breakers.toml", folder=tmp_path) as server:
        assert silences(server) == [], "gone for good"


def test_a_page_that_breaks_while_no_process_runs_is_put_aside(place: Place) -> None:
    """The header is well: the file opens, and only some queries fail."""
    process = place.start()
    for number in range(12):
        process.tell(f"open b{number}")
    place.wait_for("b11", "created P3")
    process.stop()
    size = place.database.stat().st_size
    with place.database.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(os.urandom(size - 4096 * 3))
    after = place.start("c")
    place.wait_for("c", "created P3")
    assert "was damaged" in after.health()["problems"][0]
    assert not after.health()["ok"]
    assert "damaged database renamed" in after.log
    assert len(list(place.folder.glob("breakerd.db.damaged-*"))) == 1
    after.stop()
    assert incidents_in(place.database) == 1
    files = [file for file in place.folder.iterdir() if file.name.startswith("breakerd.db")]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def incidents_in(file: Path) -> int:
    """Number of incidents in the file; 0 while it is damaged or missing."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM incidents").fetchone()[0])
    except sqlite3.Error:
        return 0
