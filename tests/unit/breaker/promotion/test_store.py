"""The file of comparisons and promises: sums, leases, and what becomes of a promise."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from breakerd.breaker.promotion.condition import parse_condition
from breakerd.breaker.promotion.promise import Promise, Settled
from breakerd.breaker.promotion.store import FOLD_AFTER, KEPT, LEASE, Own, ShadowStore
from breakerd.breaker.shadow.figures import ShadowFigures, ShadowTrip

PROMISE = Promise("pay", "abc", {"wait_time": 3}, 100.0, 200.0, parse_condition("calls > 1"), "ann")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "breakerd-shadow.db"


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[ShadowStore]:
    store = ShadowStore(path, clock)
    store.open()
    yield store
    store.close()


def own(calls: int, *, digest: str = "abc", since: float = 500.0, at: float = 1.0) -> Own:
    trip = ShadowTrip(at, "candidate", "latency", ("p95 400 ms",), 2.0, None, blind=True)
    return Own("pay", digest, since, ShadowFigures(calls=calls, trips=1, latest=[trip]))


@pytest.mark.usefixtures("store")
def test_the_file_is_its_users_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_sums_are_of_all_processes_ended_ones_among_them(store: ShadowStore) -> None:
    assert store.write("a", [own(10, since=700, at=3.0)], known=False)
    assert store.write("b", [own(5, at=2.0)], known=False)
    assert store.write("b", [own(7, at=2.0)], known=True, ended=True)
    assert store.write("c", [own(100, digest="other")], known=False)
    found = store.sums("pay", "abc")
    assert found is not None
    figures, since = found
    assert (figures.calls, figures.trips, since) == (17, 2, 500.0)
    assert [trip.at for trip in figures.latest] == [2.0, 3.0]
    assert figures.latest[0].evidence == ("p95 400 ms",)
    assert figures.latest[0].blind
    others = store.sums("pay", "abc", without="a")
    assert others is not None
    assert others[0].calls == 7
    assert others[1] == 500.0
    assert store.sums("pay", "none") == (ShadowFigures(), float("inf"))


def test_a_process_that_is_silent_is_kept_once(store: ShadowStore, clock: Clock) -> None:
    store.write("a", [own(10)], known=False)
    clock.now += FOLD_AFTER + 1
    store.write("b", [own(1)], known=False)
    found = store.sums("pay", "abc")
    assert found is not None
    assert found[0].calls == 11
    # It was only stopped, and goes on: what it had is kept, so it must begin anew.
    assert store.write("a", [own(12)], known=True) is False
    assert store.write("a2", [own(2)], known=False)
    found = store.sums("pay", "abc")
    assert found is not None
    assert found[0].calls == 13


def test_what_nobody_writes_to_is_dropped_in_the_end(store: ShadowStore, clock: Clock) -> None:
    store.write("a", [own(10)], known=False)
    clock.now += KEPT + 1
    store.write("b", [own(1, digest="new")], known=False)
    store.write("b", [own(1, digest="new")], known=True)
    assert store.sums("pay", "abc") == (ShadowFigures(), float("inf"))


def test_figures_of_another_program_count_as_none(store: ShadowStore, path: Path) -> None:
    store.write("a", [own(10)], known=False)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE figures SET data = '[]'")
    connection.close()
    found = store.sums("pay", "abc")
    assert found is not None
    assert found[0] == ShadowFigures()


def test_a_promise_is_read_as_it_was_made(store: ShadowStore) -> None:
    assert store.promises() == []
    assert store.promise(PROMISE)
    assert store.promises() == [PROMISE]
    later = replace(PROMISE, made=150.0)
    assert store.promise(later)
    assert store.promises() == [later], "one for each breaker"


def test_a_promise_that_cannot_be_read_is_left_out(store: ShadowStore, path: Path) -> None:
    store.promise(PROMISE)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE promises SET condition = 'what < 1'")
    connection.close()
    assert store.promises() == []


def test_one_process_settles_a_promise(store: ShadowStore, clock: Clock) -> None:
    store.promise(PROMISE)
    assert store.hold(PROMISE, "a")
    assert store.hold(PROMISE, "a"), "again"
    assert not store.hold(PROMISE, "b")
    clock.now += LEASE + 1
    assert store.hold(PROMISE, "b"), "the first one has ended"
    clock.now -= 3600
    assert store.hold(PROMISE, "c"), "the clock was set back"
    settled = Settled("pay", 900.0, "void", "calls is 0", "ann")
    assert store.settle(PROMISE, settled)
    assert not store.settle(PROMISE, settled)
    assert not store.hold(PROMISE, "a")
    assert store.promises() == []
    assert store.settled() == {"pay": settled}


def test_a_promise_that_was_replaced_cannot_be_settled(store: ShadowStore) -> None:
    store.promise(PROMISE)
    store.promise(replace(PROMISE, made=150.0))
    assert not store.hold(PROMISE, "a")
    assert not store.settle(PROMISE, Settled("pay", 900.0, "kept", ""))
    assert store.settled() == {}


def test_a_file_that_fails_costs_nobody_anything(tmp_path: Path, clock: Clock) -> None:
    place = tmp_path / "breakerd-shadow.db"
    place.mkdir()
    store = ShadowStore(place, clock)
    store.open()
    try:
        assert store.problem
        assert store.write("a", [own(1)], known=False) is None
        assert store.sums("pay", "abc") is None
        assert not store.promise(PROMISE)
        assert store.promises() is None
        assert not store.hold(PROMISE, "a")
        assert not store.settle(PROMISE, Settled("pay", 1.0, "kept", ""))
        assert store.settled() == {}
    finally:
        store.close()
