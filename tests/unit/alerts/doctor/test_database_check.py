"""Checks of the database, in real files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from breakerd.alerts.doctor.doctor import run_checks
from breakerd.alerts.doctor.finding import CheckStatus, Finding
from breakerd.alerts.storage.schema import FORMAT
from tests.unit.alerts.conftest import World
from tests.unit.alerts.doctor.conftest import Setup

OK, FAIL, WARNING, UNKNOWN = (
    CheckStatus.OK,
    CheckStatus.FAIL,
    CheckStatus.WARNING,
    CheckStatus.UNKNOWN,
)


@pytest.fixture
def unpaged(setup: Setup) -> Setup:
    setup.opsgenie["enabled"] = False
    return setup


def test_a_folder_that_may_not_be_written(unpaged: Setup, tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.touch()
    unpaged.alerts["database"] = str(no_folder / "alerts.db")
    found = unpaged.findings()["database"]
    assert found.status is FAIL
    assert "cannot be created" in found.found


def test_a_damaged_file_is_left_as_it_is(unpaged: Setup) -> None:
    path = Path(unpaged.alerts["database"])
    path.write_bytes(b"no database at all" * 100)
    assert unpaged.findings()["database"].status is FAIL
    assert path.read_bytes() == b"no database at all" * 100
    assert list(path.parent.iterdir()) == [path]


def test_a_page_of_the_file_that_is_damaged(unpaged: Setup) -> None:
    path = Path(unpaged.alerts["database"])
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 900,)] * 100)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 4096)
    assert "damaged" in unpaged.findings()["database"].found


def test_a_file_of_a_later_format(unpaged: Setup) -> None:
    with sqlite3.connect(unpaged.alerts["database"]) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "newer breakerd" in unpaged.findings()["database"].found


def test_a_file_of_an_earlier_format(unpaged: Setup) -> None:
    with sqlite3.connect(unpaged.alerts["database"]) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert unpaged.findings()["database"].status is OK


def test_a_file_that_another_writes_for_long(unpaged: Setup) -> None:
    connection = sqlite3.connect(unpaged.alerts["database"], isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert "locked" in unpaged.findings()["database"].found
    connection.close()


@pytest.fixture
def served(world: World, at_emulator: Setup) -> Setup:
    """The file of a service that runs."""
    at_emulator.alerts["database"] = str(world.database)
    return at_emulator


def test_a_file_in_use(served: Setup, world: World) -> None:
    alerting = world.start()
    world.slow()
    world.after()
    found = served.findings(now=world.wall)
    assert found["sender"].status is OK
    assert found["pending"] == Finding("pending", OK, "no undelivered alerts")
    assert found["dead letters"].status is OK
    assert found["last alert"].found.endswith("was delivered to opsgenie 0 s ago")
    assert alerting.problems() == []
    assert (
        alerting._runtime.store._database.rows("SELECT 1 FROM metadata WHERE name = 'doctor'") == []
    )
    alerting.close()
    assert served.findings(now=world.wall)["sender"].status is UNKNOWN


def test_what_could_not_be_told_yet(served: Setup, world: World) -> None:
    world.emulator.fail("error", path="POST /v2/alerts")
    world.start()
    world.slow()
    world.after()
    world.after(30)
    found = served.findings(now=world.wall)
    assert found["pending"].status is WARNING
    assert found["pending"].found == "1 undelivered, the oldest for 30 s, after 2 failed attempts"
    assert found["last alert"].status is UNKNOWN


def test_what_waits_for_a_pause_to_end(served: Setup, world: World) -> None:
    world.emulator.fail("rate_limit", delay=100, times=1)
    world.start()
    world.slow()
    world.after()
    found = served.findings(now=world.wall)["pending"]
    assert found == Finding("pending", OK, "1 undelivered, the oldest for 0 s")


def test_what_was_given_up(served: Setup, world: World) -> None:
    world.emulator.fail("html", status=422, path="POST /v2/alerts")
    alerting = world.start()
    for number in range(7):
        world.slow(f"b{number}")
    world.after()
    world.after(1)
    found = list(run_checks(served.settings, now=world.wall))
    dead = [finding for finding in found if finding.check == "dead letters"]
    assert [finding.status for finding in dead] == [FAIL] * 6
    assert "422" in dead[0].found
    assert any(each["id"] in dead[0].advice for each in alerting.incidents())
    assert dead[-1].found == "2 more"


def test_what_only_the_log_took_was_told_to_nobody(unpaged: Setup, world: World) -> None:
    unpaged.alerts["database"] = str(world.database)
    world.start(enabled=False)
    world.slow()
    world.after()
    found = unpaged.findings(now=world.wall)["last alert"]
    assert (found.status, found.found) == (UNKNOWN, "nobody was told of any yet")


def test_a_row_that_cannot_be_read(served: Setup, world: World) -> None:
    world.start()
    world.slow()
    world.after()
    connection = sqlite3.connect(world.database)
    with connection:
        connection.execute("UPDATE incidents SET data = '{'")
    connection.close()
    assert served.findings(now=world.wall)["last alert"].status is UNKNOWN
