"""Silences of a breaker or a kind, for a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from breakerd import Alerting, NotStoredError
from breakerd.alerts.model.matchers import Matcher, Subject
from breakerd.alerts.model.silence import SilenceRequest
from breakerd.alerts.muting.silence_index import SilenceIndex
from breakerd.breaker.storage.database import Database
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
    world.after(700)
    alerting.add_silence(author="bob", reason="x", seconds=10)
    assert [silence.author for silence in alerting._runtime.silences._index] == ["bob"]
    world.wall.advance(700)
    world.restart()
    with sqlite3.connect(world.database) as connection:
        assert connection.execute("SELECT count(*) FROM silences").fetchone() == (0,)
    connection.close()


# --- on the disk, or not at all


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Another process is in the middle of a write, and alerting does not wait for it."""
    assert world.alerting is not None
    connection = world.alerting._runtime.store._database._connection
    assert connection is not None
    connection.execute("PRAGMA busy_timeout=0")
    with closing(sqlite3.connect(world.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_a_silence_that_cannot_be_saved_is_refused(world: World) -> None:
    alerting = world.start()
    with locked(world), pytest.raises(NotStoredError, match="database is locked"):
        alerting.add_silence(author="ana", reason="x", seconds=1000)
    assert alerting.silences() == []
    world.slow()
    world.after(10)
    assert len(world.emulator.alerts()) == 1
    assert world.restart().silences() == []


def test_a_silence_that_cannot_be_ended_lasts(world: World) -> None:
    alerting = world.start()
    number = alerting.add_silence(author="ana", reason="x", seconds=1000)
    with locked(world), pytest.raises(NotStoredError, match="database is locked"):
        alerting.end_silence(number)
    assert [each["id"] for each in alerting.silences()] == [number]
    world.after(10)
    assert [each["id"] for each in alerting.silences()] == [number], "nor does it end later"
    alerting.end_silence(number)
    assert world.restart().silences() == [], "now it has ended for good"


def test_a_silence_outlives_a_file_that_is_replaced(world: World) -> None:
    alerting = world.start()
    number = alerting.add_silence(author="ana", reason="x", seconds=1000)
    for file in world.database.parent.glob("breakerd.db*"):
        file.unlink()
    world.slow()
    world.after()
    assert world.emulator.alerts() == []
    assert [each["id"] for each in world.restart().silences()] == [number]


def test_a_peer_that_did_not_hear_of_an_end_does_not_bring_a_silence_back(world: World) -> None:
    alerting = world.start()
    peer = Alerting(world.make_registry(), alerting.settings, now=world.wall)
    peer.start()
    number = alerting.add_silence(author="ana", reason="x", seconds=1000)
    assert len(peer.silences()) == 1
    alerting.end_silence(number)
    for file in world.database.parent.glob("breakerd.db*"):
        file.unlink()
    for each in (peer, alerting):
        each.run_once()
    assert peer.silences() == alerting.silences() == []
    peer.close()


@pytest.mark.parametrize(
    ("starts_in", "seconds", "allowed"),
    [
        (-10, 5, False),
        (-10, 10, False),
        (-10, 11, True),
        (365 * 86_400, 5, True),
        (366 * 86_400, 5, False),
        (None, 5, True),
    ],
)
def test_a_silence_lies_in_the_near_future(
    world: World, starts_in: float | None, seconds: float, *, allowed: bool
) -> None:
    alerting = world.start()
    starts_at = None if starts_in is None else world.wall() + starts_in
    if allowed:
        alerting.add_silence(author="ana", reason="x", seconds=seconds, starts_at=starts_at)
        assert len(alerting.silences()) == 1
        return
    with pytest.raises(ValueError, match="must end in the future and start within 365 days"):
        alerting.add_silence(author="ana", reason="x", seconds=seconds, starts_at=starts_at)


# --- what they cost


def cost_of_a_round(world: World, monkeypatch: pytest.MonkeyPatch, pattern: str, many: int) -> int:
    """Conditions that are tested, silences that are parsed, and queries, in a quiet round."""
    assert world.alerting is not None
    requests = (SilenceRequest("ana", "x", 1000, pattern.format(number=i)) for i in range(many))
    silences = [each.to_silence(world.wall(), f"{pattern} {i}") for i, each in enumerate(requests)]
    assert world.alerting._runtime.store.silences.merge(silences)
    world.slow()
    world.after()
    world.after(2)
    work = 0

    def count(owner: type, name: str) -> None:
        plain = getattr(owner, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            nonlocal work
            work += 1
            return plain(*arguments, **named)

        monkeypatch.setattr(owner, name, counted)

    for owner, name in ((Matcher, "matches"), (Matcher, "parse"), (Database, "try_rows")):
        count(owner, name)
    world.after(2)
    return work


@pytest.mark.parametrize("pattern", ["b{number}", "b{number}*"])
def test_a_thousand_silences_cost_a_round_what_ten_do(
    world: World, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    world.start()
    few = cost_of_a_round(world, monkeypatch, pattern, 10)
    monkeypatch.undo()
    world.restart()
    assert cost_of_a_round(world, monkeypatch, pattern, 990) <= few


def test_only_silences_that_name_a_breaker_are_compared_with_its_incident() -> None:
    index = SilenceIndex()
    for number in range(1000):
        request = SilenceRequest("ana", "x", 100, breaker=f"b{number}|c{number}")
        index.put(request.to_silence(0, str(number)))
    found = index.find(Subject(("c7",), {}), 50)
    assert found is not None
    assert found.id == "7"
    assert len(index._named["c7"]) == 1
    index.remove("7")
    assert index.find(Subject(("c7",), {}), 50) is None


def test_of_several_silences_the_one_that_ends_last_is_named() -> None:
    index = SilenceIndex()
    for seconds in (10, 30, 20):
        index.put(SilenceRequest("ana", "x", seconds).to_silence(0, str(seconds)))
    subject = Subject(("a",), {})
    found = [index.find(subject, now) for now in (5, 25, 31)]
    assert [silence and silence.id for silence in found] == ["30", "30", None]
