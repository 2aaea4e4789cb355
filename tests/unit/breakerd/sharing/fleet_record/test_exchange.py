"""Hosts that exchange their slots through a hub; each keeps the sums of all."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.store import HISTORY, Changes, Entry
from breakerd.breaker.fleet.runtime.fleet import SharedTopics
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.history import HistorySlot
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.record import Record
from breakerd.breaker.record.settings import HistorySettings
from breakerd.breaker.record.writing.member import Member
from breakerd.breaker.record.writing.own_slots import OwnSlot
from breakerd.breaker.record.writing.table import Portion, RecordTable
from breakerd.sharing.fleet_record.exchange import FleetExchange, fleet_file
from breakerd.sharing.fleet_record.host_slots import HostSlots, key_of, read_slots, write_slots

BEGIN = 1_700_000_000


class World:
    """The time, and the hub."""

    def __init__(self) -> None:
        self.now = float(BEGIN)
        self.hub = MemoryHub(clock=lambda: self.now)
        self.away = False
        self.hosts: list[HostInTest] = []

    def shared(self) -> SharedTopics | None:
        if self.away:
            return None
        changes = self.hub.store.changes(HISTORY)
        return SharedTopics(self.hub.store, changes.epoch, dict(self.hub.store.versions()))


class HostInTest:
    """A host with its record, in which one process after the other writes; and its exchanges."""

    def __init__(self, world: World, folder: Path, name: str) -> None:
        self.world, self.host = world, name
        folder.mkdir()
        path = folder / "history.db"
        self._table = RecordTable(path)
        self.record = Record((), HistorySettings(), path, clock=lambda: world.now)
        self.path = fleet_file(path)
        self.exchanges: list[FleetExchange] = []
        world.hosts.append(self)

    settings = FleetSettings(hub="redis://127.0.0.1")

    def shared(self) -> SharedTopics | None:
        return self.world.shared()

    def process(self) -> FleetExchange:
        """A process of this host that takes part, or would."""
        member = Member(f"{self.host}{len(self.exchanges)}", self.host, self.host)
        table = RecordTable(self.path)
        clock = self.world
        made = FleetExchange(self, self.record, table, member, lambda: clock.now)
        self.exchanges.append(made)
        return made

    def write(self, start: int, calls: int, process: int = 1, breaker: str = "payments") -> None:
        """Write what a process has counted in ten seconds."""
        member = Member(f"p{process}", self.host, f"{self.host}:{process}")
        slot = HistorySlot(start=float(start), width=10.0, calls=calls, in_flight=1)
        assert self._table.write(member, Portion([OwnSlot(breaker, 0, slot)]), self.world.now)

    def sums(self, host: str | None = None) -> list[tuple[float, int, int]]:
        """Return start, calls and processes of each slot of the fleet, as this host has it."""
        reader = RecordReader(self.path)
        slots = reader.slots("payments", BEGIN - 3600, self.world.now + 3600, step=10, member=host)
        return [(slot.start - BEGIN, slot.calls, slot.members) for slot in slots]

    def close(self) -> None:
        for exchange in self.exchanges:
            exchange.close()
        self._table.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World()
    for name in ("a", "b"):
        HostInTest(made, tmp_path / name, name)
    yield made
    for host in made.hosts:
        host.close()


def test_each_host_has_the_sums_of_all(world: World) -> None:
    a, b = world.hosts
    exchanges = [a.process(), b.process()]
    for step in range(3):
        start = BEGIN + 10 * step
        a.write(start, 5, process=1)
        a.write(start, 7, process=2)
        b.write(start, 100)
        world.now = start + 25.0
        for exchange in exchanges * 2:
            assert exchange.round()
    expected = [(0.0, 112, 3), (10.0, 112, 3), (20.0, 112, 3)]
    assert a.sums() == b.sums() == expected
    assert a.sums("a") == b.sums("a") == [(0.0, 12, 2), (10.0, 12, 2), (20.0, 12, 2)]
    assert a.sums("b") == [(0.0, 100, 1), (10.0, 100, 1), (20.0, 100, 1)]


def test_a_slot_is_told_once_and_again_if_it_has_changed(world: World) -> None:
    a, b = world.hosts
    first, second = a.process(), b.process()
    a.write(BEGIN, 5)
    world.now += 25
    first.round()
    first.round()
    assert world.hub.store.changes(HISTORY).version == 1
    a.write(BEGIN, 6, process=2)  # late
    first.round()
    assert world.hub.store.changes(HISTORY).version == 2
    second.round()
    assert b.sums() == [(0.0, 11, 2)]


def test_a_slot_is_not_told_before_all_have_written_it(world: World) -> None:
    a, _ = world.hosts
    exchange = a.process()
    a.write(BEGIN, 5)
    world.now += 14
    exchange.round()
    assert world.hub.store.changes(HISTORY).entries == ()
    world.now += 2
    exchange.round()
    assert len(world.hub.store.changes(HISTORY).entries) == 1


def test_a_host_that_is_missing_is_seen_by_the_number_of_processes(world: World) -> None:
    a, b = world.hosts
    first, second = a.process(), b.process()
    for step in range(2):
        a.write(BEGIN + 10 * step, 5)
        if not step:
            b.write(BEGIN, 5)
        world.now += 25
        for exchange in (first, second) * 2:
            exchange.round()
    assert a.sums() == [(0.0, 10, 2), (10.0, 5, 1)]


def test_one_process_of_a_host_takes_part_and_another_follows_it(world: World) -> None:
    a, b = world.hosts
    first, second, other = a.process(), a.process(), b.process()
    a.write(BEGIN, 5)
    world.now += 25
    assert first.round()
    assert not second.round()
    a.write(BEGIN + 20, 7)
    world.now += 45  # the first was killed; its lease has ended
    assert second.round()
    other.round()
    assert b.sums() == [(0.0, 5, 1), (20.0, 7, 1)]
    second.close()
    assert first.round()  # a lease that was given back is free at once


def test_without_the_hub_a_host_knows_itself_and_brings_what_it_has_later(world: World) -> None:
    a, b = world.hosts
    first, second = a.process(), b.process()
    world.away = True
    for step in range(5):
        a.write(BEGIN + 10 * step, 5)
        world.now += 10
        first.round()
    world.now += 20
    first.round()
    assert [calls for _, calls, _ in a.sums()] == [5] * 5
    world.away = False
    first.round()
    second.round()
    assert b.sums() == a.sums()


def test_a_hub_that_fails_amid_the_exchange_gets_the_rest_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = world.hosts
    first, second = a.process(), b.process()
    a.write(BEGIN, 5)
    world.now += 25

    def fails(*_: object, **_more: object) -> Changes:
        raise HubUnavailableError("it hangs")

    with monkeypatch.context() as patched:
        patched.setattr(world.hub.store, "changes", fails)
        patched.setattr(world, "shared", lambda: SharedTopics(world.hub.store, "e", {HISTORY: 1}))
        assert first.round()
        assert second.round()
    assert b.sums() == []
    second.round()
    assert b.sums() == [(0.0, 5, 1)]


def test_a_hub_that_has_forgotten_everything_is_told_again(world: World) -> None:
    a, b = world.hosts
    first, second = a.process(), b.process()
    a.write(BEGIN, 5)
    world.now += 25
    first.round()
    world.hub.wipe()
    first.round()
    second.round()
    assert b.sums() == [(0.0, 5, 1)]


@pytest.mark.parametrize(
    "value",
    [
        "no JSON",
        "[]",
        '{"host": "x"}',
        '{"host": "", "start": 1700000000, "slots": {}}',
        '{"host": "x", "start": 1700000001, "slots": {}}',
        '{"host": "x", "start": 1e400, "slots": {}}',
        '{"host": "x", "start": 1700000000, "slots": {"payments": "[1]"}}',
        '{"host": "x", "start": 1700000000, "slots": [1]}',
    ],
)
def test_what_somebody_else_has_written_there_is_left_out(
    world: World, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = world.hosts
    exchange = b.process()
    world.hub.store.write(HISTORY, key_of("x", BEGIN), value)
    world.hub.store.write(HISTORY, key_of("gone", BEGIN), "")
    a.write(BEGIN, 5)
    world.now += 25
    with caplog.at_level(logging.WARNING):
        a.process().round()
        exchange.round()
    assert b.sums() == [(0.0, 5, 1)]
    assert len(caplog.records) == 2
    assert all(each.message.startswith("slots at the hub are invalid") for each in caplog.records)


def test_a_time_that_is_no_time_is_left_out() -> None:
    start = 10**400
    with pytest.raises(ValueError, match="no slot begins"):
        read_slots(
            Entry(key_of("x", start), 1, 0.0, f'{{"host":"x","start":{start},"slots":{{}}}}')
        )


def test_slots_of_another_time_are_left_out(world: World) -> None:
    _, b = world.hosts
    exchange = b.process()
    for start in (BEGIN - 86_400, BEGIN + 600):
        slot = HistorySlot(start=float(start), width=10.0, calls=5)
        told = HostSlots("x", start, {"payments": slot})
        world.hub.store.write(HISTORY, key_of("x", start), write_slots(told))
    exchange.round()
    assert b.sums() == []


def test_the_entry_of_twenty_breakers_is_small() -> None:
    durations = HistorySlot.from_dict(
        HistorySlot(start=0.0, width=10.0).to_dict() | {"durations": [[n, 99] for n in range(12)]}
    ).durations
    slot = HistorySlot(
        start=0.0, width=10.0, calls=1188, failures=3, slow=9, durations=durations,
        in_flight=31, memory=0.5123, threshold=0.6, normal=0.0421,
    )  # fmt: skip
    text = write_slots(
        HostSlots("host-1.example", BEGIN, {f"breaker-{n}": slot for n in range(20)})
    )
    assert len(text) < 4000
    assert json.loads(text)["start"] == BEGIN
