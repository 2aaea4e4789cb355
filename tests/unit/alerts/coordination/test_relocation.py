"""Alerting goes on in another database, with all that is open."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from breakerd import Alerting, AlertingSettings, Registry
from breakerd.alerts.coordination import relocation
from breakerd.alerts.storage.database_pointer import DatabasePointer
from breakerd.alerts.storage.relocation import database_problem, moved_to, transfer
from breakerd.alerts.storage.store import Store
from tests.unit.alerts.conftest import World
from tests.unit.alerts.receivers.conftest import make_incident

STAGED = {"time_before_send_alert": 60}


def move(world: World, database: Path) -> None:
    assert world.alerting is not None
    settings = world.alerting.settings
    alerts = settings.alerts.model_copy(update={"database": str(database)})
    world.alerting.apply(AlertingSettings(settings.opsgenie, alerts))


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "other.db"


def test_what_is_open_moves_and_goes_on(world: World, other: Path) -> None:
    alerting = world.start(**STAGED)
    silence = alerting.add_silence(author="ada", reason="move", seconds=9000, breaker="other")
    world.slow()
    world.after()
    move(world, other)
    world.after(1)
    assert alerting._runtime.store.path == other
    assert rows(world.database, "SELECT count(*) FROM incidents WHERE NOT settled") == [(0,)]
    assert rows(other, "SELECT count(*) FROM incidents WHERE NOT settled") == [(1,)]
    assert [each["id"] for each in alerting.silences()] == [silence]
    assert alerting.problems() == []
    world.after(61)
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.history() == ["created P3", "priority P1", "closed"]


def test_cooldowns_and_the_history_move_too(world: World, other: Path) -> None:
    alerting = world.start(alert_cooldown_seconds=600)
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after()
    world.after(61)
    move(world, other)
    world.after(1)
    assert [each["phase"] for each in alerting.incidents()] == ["closed"]
    world.slow()
    world.after(1)
    assert len(world.emulator.alerts()) == 1, "the cooldown lasts"


def test_a_database_with_incidents_of_its_own_has_both(world: World, other: Path) -> None:
    first = world.start()
    world.database, before = other, world.database
    first.close()
    world.registry = world.make_registry()
    world.start()
    world.slow("before")
    world.after()
    assert world.alerting is not None
    world.alerting.close()
    world.database = before
    world.registry = world.make_registry()
    alerting = world.start()
    world.slow("default")
    world.slow("before")
    world.after()
    move(world, other)
    world.after(1)
    assert len({each["id"] for each in alerting.incidents()}) == 3
    for name in ("default", "before"):
        world.registry.get(name).reset()
    world.after()
    world.after(61)
    assert [alert.status for alert in world.emulator.alerts()] == ["closed"] * 3


def test_there_and_back_again(world: World, other: Path) -> None:
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    for database in (other, world.database, other, world.database):
        move(world, database)
        world.after(1)
        assert alerting._runtime.store.path == database
    world.after(61)
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.history() == ["created P3", "priority P1", "closed"]


def test_where_nothing_can_be_stored_the_old_one_goes_on(world: World, tmp_path: Path) -> None:
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    blocked = tmp_path / "blocked"
    blocked.write_text("no folder")
    move(world, blocked / "x.db")
    world.after(1)
    assert alerting._runtime.store.path == world.database
    (problem,) = alerting.problems()
    assert "incidents stay in" in problem
    assert str(blocked) in problem
    world.after(61)
    assert world.stages() == ["created P3", "priority P1"]
    blocked.unlink()
    world.after(6)
    assert alerting._runtime.store.path == blocked / "x.db"
    assert alerting.problems() == []


@pytest.mark.parametrize("killed_after", ["the target has it", "the source has lost it"])
def test_killed_in_between_nothing_is_lost_and_nothing_told_twice(
    world: World, other: Path, monkeypatch: pytest.MonkeyPatch, killed_after: str
) -> None:
    """Until the pointer names the other database, a start begins with the former one."""
    config = world.database.with_name("breakers.toml")
    config.touch()
    pointer = DatabasePointer(world.database.parent, config)

    class KilledError(BaseException):
        """Ends the process where it is raised."""

    def kill(*_: object) -> None:
        raise KilledError

    world.start(**STAGED)
    world.slow()
    world.after()
    assert world.alerting is not None
    runtime = world.alerting._runtime
    runtime.relocation._pointer = pointer
    pointer.write(world.database)
    if killed_after == "the target has it":
        monkeypatch.setattr("breakerd.alerts.storage.relocation._clear", kill)
    else:
        monkeypatch.setattr(relocation.Relocation, "_switch", kill)
    move(world, other)
    with pytest.raises(KilledError):
        world.after(1)
    monkeypatch.undo()
    runtime.pipeline.close()
    runtime.store.close()
    assert pointer.read() == world.database
    # The next process begins with what the pointer names, and moves.
    world.registry = world.make_registry()
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    move(world, other)
    world.after(1)
    world.after(61)
    assert alerting._runtime.store.path == other
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.history() == ["created P3", "priority P1", "closed"]


# --- several processes


class Pair:
    """Two processes that share a database, in one test."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.first = world.start(**STAGED)
        settings = self.first.settings
        self.registry = world.make_registry()
        self.second = Alerting(self.registry, settings, now=world.wall)
        self.second.start()

    def after(self, seconds: float = 0.0) -> None:
        self.world.wall.advance(seconds)
        for process in (self.first, self.second):
            process.run_once()

    def move(self, process: Alerting, database: Path) -> None:
        alerts = process.settings.alerts.model_copy(update={"database": str(database)})
        process.apply(replace(process.settings, alerts=alerts))


@pytest.fixture
def pair(world: World) -> Iterator[Pair]:
    made = Pair(world)
    yield made
    made.second.close()


def open_in(registry: Registry, world: World, name: str) -> None:
    before, world.registry = world.registry, registry
    world.slow(name)
    world.registry = before


@pytest.mark.parametrize("leader_first", [True, False])
def test_all_who_share_it_move_together(
    pair: Pair, world: World, other: Path, *, leader_first: bool
) -> None:
    open_in(pair.registry, world, "theirs")
    world.slow("ours")
    pair.after()
    pair.after(1)
    assert len(world.emulator.alerts()) == 2
    order = [pair.first, pair.second] if leader_first else [pair.second, pair.first]
    pair.move(order[0], other)
    pair.after(1)
    pair.move(order[1], other)
    for _ in range(5):
        pair.after(1)
    assert {p._runtime.store.path for p in (pair.first, pair.second)} == {other}
    assert pair.first.problems() == pair.second.problems() == []
    for _ in range(13):
        pair.after(5)
    assert [world.stages(i) for i in (0, 1)] == [["created P3", "priority P1"]] * 2
    world.registry.get("ours").reset()
    pair.registry.get("theirs").reset()
    for _ in range(14):
        pair.after(5)
    assert [alert.status for alert in world.emulator.alerts()] == ["closed", "closed"]


def test_who_is_not_told_of_the_move_follows_and_says_so(
    pair: Pair, world: World, other: Path
) -> None:
    pair.move(pair.first, other)
    for _ in range(3):
        pair.after(1)
    assert pair.second._runtime.store.path == other
    (problem,) = pair.second.problems()
    assert "another process has moved them" in problem
    open_in(pair.registry, world, "theirs")
    pair.after(1)
    pair.after(1)
    assert [alert.status for alert in world.emulator.alerts()] == ["open"]


def test_who_follows_alone_goes_back_to_what_its_settings_name(
    pair: Pair, world: World, other: Path
) -> None:
    open_in(pair.registry, world, "theirs")
    pair.after(1)
    pair.move(pair.first, other)
    for _ in range(3):
        pair.after(1)
    pair.first.close()
    for _ in range(3):
        world.wall.advance(11)
        pair.second.run_once()
    assert pair.second._runtime.store.path == world.database
    assert pair.second.problems() == []
    assert len(world.emulator.alerts()) == 1


def test_nobody_leads_where_the_incidents_have_moved_from(tmp_path: Path) -> None:
    stores = [Store(tmp_path / name, f"p{name[0]}") for name in ("a.db", "b.db")]
    for store in stores:
        store.open()
    late = Store(tmp_path / "a.db", "late")
    late.open()
    assert transfer(*stores)
    assert late.acquire_lease("boot", 1.0, 10.0) == 0
    for store in (*stores, late):
        store.close()


def test_what_the_former_database_says_counts_until_it_has_lost_it(tmp_path: Path) -> None:
    source, target = Store(tmp_path / "a.db", "a"), Store(tmp_path / "b.db", "b")
    for store in (source, target):
        store.open()
    incident = make_incident("before")
    target.save([(incident, False)], {("pay", "open"): 5.0})
    incident.breaker = "after"
    source.save([(incident, False)], {("pay", "open"): 3.0})
    source.enqueue(incident.id, {"action": "retry"})
    assert transfer(source, target)
    incidents, cooldowns = target.load()
    assert [each.breaker for each in incidents] == ["after"]
    assert cooldowns == {("pay", "open"): 5.0}
    assert [data["action"] for _, _, data in target.commands(0)] == ["adopt", "retry"]
    assert (source.load()[0], source.commands(0)) == ([], [])
    assert moved_to(source) == tmp_path / "b.db"
    for store in (source, target):
        store.close()


# --- the pointer, and what cannot be used


def test_the_pointer_names_what_was_used_last(tmp_path: Path) -> None:
    config, database = tmp_path / "b.toml", tmp_path / "a.db"
    config.touch()
    database.touch()
    pointer = DatabasePointer(tmp_path, config)
    assert pointer.read() is None
    pointer.write(database)
    assert DatabasePointer(tmp_path, config).read() == database
    assert DatabasePointer(tmp_path, tmp_path / "c.toml").read() is None
    database.unlink()
    assert pointer.read() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"database": 1}', '{"other": "x"}'])
def test_a_damaged_pointer_names_nothing(tmp_path: Path, text: str) -> None:
    pointer = DatabasePointer(tmp_path, tmp_path / "b.toml")
    pointer.write(tmp_path / "a.db")
    (file,) = (tmp_path / "var").iterdir()
    file.write_text(text)
    assert pointer.read() is None


def test_pointers_of_files_that_are_gone_are_deleted(tmp_path: Path) -> None:
    gone, config = tmp_path / "gone.toml", tmp_path / "b.toml"
    config.touch()
    DatabasePointer(tmp_path, gone).write(tmp_path / "a.db")
    DatabasePointer(tmp_path, config).write(tmp_path / "a.db")
    assert len(list((tmp_path / "var").iterdir())) == 1


def test_where_no_pointer_can_be_written_alerting_goes_on(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    pointer = DatabasePointer(tmp_path, tmp_path / "b.toml")
    pointer.write(tmp_path / "a.db")
    assert pointer.read() is None


def test_what_cannot_hold_incidents_is_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database at all")
    assert database_problem(tmp_path / "new" / "x.db") == ""
    assert "not a file" in database_problem(tmp_path)
    assert "another file" in database_problem(text)
    assert "nothing can be created" in database_problem(text / "x.db")
    if os.geteuid():
        text.chmod(0o400)
        assert "not writable" in database_problem(text)


def test_a_path_that_the_system_refuses_is_a_problem(tmp_path: Path) -> None:
    assert "cannot be used (File name too long)" in database_problem(tmp_path / ("a" * 5000))
