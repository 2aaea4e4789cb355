"""Another `database` while incidents are open: they go along, whoever is killed meanwhile."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.conftest import Place
from tests.support.polling import until
from tests.support.thoroughness import examples

KILLS = examples(4)


def edit(place: Place, name: str) -> Path:
    """Name another database in the file; return its path."""
    text = place.file.read_text()
    before = text.split('database = "')[1].split('"')[0]
    place.file.write_text(text.replace(before, f"{place.folder}/{name}"))
    return place.folder / name


def holds_open(database: Path) -> bool:
    if not database.exists():
        return False
    try:
        with closing(sqlite3.connect(database)) as connection:
            query = "SELECT count(*) FROM incidents WHERE NOT settled"
            return bool(connection.execute(query).fetchone()[0])
    except sqlite3.OperationalError:
        return False


def told(place: Place, breaker: str) -> list[str]:
    """Steps that people were told: updates of the text tell nobody."""
    texts = ("message", "description", "tags", "details")
    return [what for what in place.history(breaker) if not what.startswith(texts)]


def test_an_edit_while_it_runs_takes_all_along(place: Place) -> None:
    place.write(escalated_after=4)
    process = place.start()
    process.tell("open a")
    place.wait_for("a", "created P3")
    new = edit(place, "new.db")
    until(lambda: holds_open(new) and not holds_open(place.database), 30)
    assert process.health()["problems"] == []
    process.stop(signal.SIGKILL)
    after = place.start("a")
    place.wait_for("a", "priority P1")
    after.tell("reset a")
    place.wait_for("a", "closed")
    assert [each for each in told(place, "a") if each != "note"] == [
        "created P3", "priority P1", "closed",
    ]  # fmt: skip


@pytest.mark.parametrize("killed", [False, True])
def test_an_edit_while_nothing_runs_takes_all_along(place: Place, *, killed: bool) -> None:
    process = place.start()
    process.tell("open a")
    place.wait_for("a", "created P3")
    process.stop(signal.SIGKILL if killed else signal.SIGTERM)
    new = edit(place, "new.db")
    process = place.start("a")
    until(lambda: holds_open(new) and not holds_open(place.database), 30)
    process.tell("reset a")
    place.wait_for("a", "closed")
    assert told(place, "a").count("created P3") == 1


def test_killed_at_any_instant_of_the_move_nothing_is_lost_or_told_twice(place: Place) -> None:
    seeded = random.Random(17)
    process = place.start()
    process.tell("open a")
    place.wait_for("a", "created P3")
    for number in range(KILLS):
        edit(place, f"moved{number}.db")
        time.sleep(seeded.uniform(0, 2.5))
        process.stop(signal.SIGKILL)
        process = place.start("a")
    process.tell("reset a")
    place.wait_for("a", "closed")
    assert [each for each in told(place, "a") if each != "note"] == ["created P3", "closed"]
    until(lambda: not any(holds_open(each) for each in place.folder.glob("*.db")), 30)


def test_two_processes_move_together(place: Place) -> None:
    first, second = place.start(), place.start()
    first.tell("open a")
    second.tell("open b")
    place.wait_for("a", "created P3")
    place.wait_for("b", "created P3")
    new = edit(place, "new.db")
    until(lambda: holds_open(new) and not holds_open(place.database), 30)
    until(lambda: all("have moved" in each.log for each in (first, second)), 30)
    first.stop(signal.SIGKILL)
    second.tell("reset b")
    place.wait_for("b", "closed")
    second.tell("open c")
    place.wait_for("c", "created P3")
    assert told(place, "b")[0] == "created P3"
    assert told(place, "b").count("note") <= 1, "it did not look well while they moved"


def test_a_database_that_cannot_be_used_is_refused(place: Place) -> None:
    process = place.start()
    process.tell("open a")
    place.wait_for("a", "created P3")
    place.folder.joinpath("notes.txt").write_text("these are no incidents")
    edit(place, "notes.txt")
    until(lambda: "which is another file" in process.log, 30)
    process.tell("reset a")
    place.wait_for("a", "closed")
    assert place.folder.joinpath("notes.txt").read_text() == "these are no incidents"
