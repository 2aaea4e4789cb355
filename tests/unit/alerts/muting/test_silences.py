"""Silences of a breaker or a kind, for a time."""

from __future__ import annotations

import sqlite3

import pytest

from tests.unit.alerts.conftest import World


def test_a_silence_holds_back_until_its_end(world: World) -> None:
    alerting = world.start()
    number = alerting.add_silence(author="ana", reason="migration", seconds=600, breaker="pay*")
    world.slow("payments")
    world.slow("other")
    world.after()
    assert [alert.entity for alert in world.emulator.alerts()] == ["other"]
    alerting.end_silence(number)
    assert alerting.silences() == []
    world.after()
    assert [alert.entity for alert in world.emulator.alerts()] == ["other", "payments"]


@pytest.mark.parametrize(
    "wrong", [{"seconds": 0}, {"kind": "all"}, {"author": ""}, {"reason": ""}, {"breaker": ""}]
)
def test_a_silence_without_sense_is_refused(world: World, wrong: dict[str, object]) -> None:
    alerting = world.start()
    good: dict[str, object] = {"author": "ana", "reason": "why", "seconds": 1}
    with pytest.raises(ValueError, match="a silence needs"):
        alerting.add_silence(**(good | wrong))  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        alerting.end_silence("none")


def test_silences_that_are_over_are_forgotten(world: World) -> None:
    alerting = world.start()
    alerting.add_silence(author="ana", reason="x", seconds=10)
    world.after(11)
    alerting.add_silence(author="bob", reason="x", seconds=10)
    assert [s.author for s in alerting._silences._silences.values()] == ["bob"]
    world.wall.advance(11)
    world.restart()
    with sqlite3.connect(world.database) as connection:
        assert connection.execute("SELECT count(*) FROM silences").fetchone() == (0,)
    connection.close()
