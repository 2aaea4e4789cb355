"""Databases that are damaged, newer, or cannot be written for a while."""

from __future__ import annotations

import sqlite3

from tests.unit.alerts.conftest import World


def test_a_broken_database_costs_its_copy_and_not_the_alert(world: World) -> None:
    world.database.write_bytes(b"this is no database" * 100)
    alerting = world.start()
    world.slow()
    world.after()
    assert len(world.emulator.alerts()) == 1
    assert "was damaged (file is not a database)" in alerting.health()["problems"][0]
    (kept,) = world.database.parent.glob("breakerd.db.damaged-*")
    assert kept.read_bytes().startswith(b"this is no database")
    world.restart()
    assert world.alerting is not None
    assert [i.breaker for i in world.alerting._runtime.incident_log] == ["default"], (
        "there is a good one again"
    )


def test_a_database_of_a_newer_version_is_left_alone(world: World) -> None:
    with sqlite3.connect(world.database) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    alerting = world.start()
    assert "made by a newer breakerd" in alerting.health()["problems"][0]


def test_a_damaged_row_does_not_stop_the_others(world: World) -> None:
    alerting = world.start()
    alerting.add_silence(author="ana", reason="x", seconds=60, breaker="no such")
    alerting.add_silence(author="bob", reason="x", seconds=60, breaker="no such")
    world.slow("a")
    world.slow("b")
    world.after()
    with sqlite3.connect(world.database) as connection:
        connection.execute("UPDATE incidents SET data = '{}' WHERE breaker = 'a'")
        connection.execute("UPDATE silences SET data = '[]' WHERE data LIKE '%ana%'")
    connection.close()
    alerting = world.restart()
    assert [incident.breaker for incident in alerting._runtime.incident_log] == ["b"]
    assert [silence["author"] for silence in alerting.silences()] == ["bob"]


def test_what_could_not_be_written_is_written_later(world: World) -> None:
    alerting = world.start()
    store = alerting._runtime.incident_log.store
    assert store._database._connection is not None
    store._database._connection.execute("PRAGMA query_only=1")
    world.slow()
    world.after()
    assert len(world.emulator.alerts()) == 1
    assert store.problem
    store._database._connection.execute("PRAGMA query_only=0")
    world.after(10)
    assert store.problem == ""
    world.restart()
    assert world.alerting is not None
    assert [i.breaker for i in world.alerting._runtime.incident_log] == ["default"]
