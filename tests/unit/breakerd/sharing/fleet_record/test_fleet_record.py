"""The thread of the fleet's record: it runs where a hub joins several hosts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.breaker.fleet.runtime.fleet import SharedTopics
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.record.record import Record
from breakerd.breaker.record.settings import HistorySettings
from breakerd.sharing.fleet_record.exchange import FleetExchange
from breakerd.sharing.fleet_record.fleet_record import FleetRecord
from tests.support.polling import until

REMOTE = FleetSettings(hub="redis://127.0.0.1:9")
THREAD = "breakerd-fleet-history"


class AloneInTest:
    """A fleet whose hub does not answer."""

    host = "a"

    def __init__(self) -> None:
        self.settings = REMOTE

    def shared(self) -> SharedTopics | None:
        return None


@pytest.fixture
def fleet() -> AloneInTest:
    return AloneInTest()


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record((), HistorySettings(), tmp_path / "history.db")


@pytest.fixture
def part(
    fleet: AloneInTest, record: Record, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FleetRecord]:
    monkeypatch.setattr(FleetRecord, "_rest", lambda _self: 0.01)
    made = FleetRecord(fleet, record)
    yield made
    made.close()


def running() -> bool:
    return any(thread.name == THREAD for thread in threading.enumerate())


def test_it_runs_between_start_and_close(part: FleetRecord) -> None:
    part.look(0.0)
    assert not running()
    part.start()
    part.look(1.0)
    part.look(2.0)
    assert running()
    until(part.path.exists)
    reader = part.reader()
    assert reader is not None
    assert reader.breakers() == []
    part.close()
    assert not running()


@pytest.mark.parametrize("hub", ["none", "file"])
def test_it_does_not_run_where_hosts_do_not_meet(
    part: FleetRecord, fleet: AloneInTest, hub: str
) -> None:
    part.start()
    part.look(0.0)
    assert running()
    fleet.settings = FleetSettings(hub=hub)
    part.look(1.0)
    assert not running()
    assert part.reader() is None


def test_it_does_not_run_without_a_record(part: FleetRecord, record: Record) -> None:
    record.apply(HistorySettings(enabled=False), record.path)
    part.start()
    part.look(0.0)
    assert not running()


def test_it_follows_the_record_to_another_place(
    part: FleetRecord, record: Record, tmp_path: Path
) -> None:
    part.start()
    part.look(0.0)
    until((tmp_path / "history-fleet.db").exists)
    record.apply(HistorySettings(), tmp_path / "moved.db")
    until((tmp_path / "moved-fleet.db").exists)


def test_a_thread_that_the_system_does_not_give_is_tried_again(
    part: FleetRecord, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    part.start()
    with monkeypatch.context() as patched:

        def fails(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patched.setattr(threading.Thread, "start", fails)
        part.look(0.0)
    assert "no history of the fleet" in caplog.text
    part.look(4.0)
    assert not running()
    part.look(6.0)
    assert running()


def test_a_round_that_fails_is_followed_by_others(
    part: FleetRecord, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rounds: list[int] = []

    def fails(_exchange: FleetExchange) -> bool:
        rounds.append(1)
        raise ValueError("a fault of ours")

    monkeypatch.setattr(FleetExchange, "round", fails)
    with caplog.at_level(logging.ERROR):
        part.start()
        part.look(0.0)
        until(lambda: len(rounds) > 1)
    assert "slots of the fleet were not exchanged" in caplog.text


def test_a_forked_child_begins_anew(part: FleetRecord) -> None:
    part.start()
    part.look(0.0)
    thread, stopping = part._thread, part._stopping
    part.after_fork()
    part.look(100.0)
    assert part._thread is None
    stopping.set()
    assert thread is not None
    thread.join()


def test_it_rests_until_five_seconds_after_the_begin_of_a_slot(
    fleet: AloneInTest, record: Record
) -> None:
    now = 0.0
    made = FleetRecord(fleet, record, lambda: now)
    assert made._rest() == 5.0
    now = 4.0
    assert made._rest() == 1.0
    now = 6.5
    assert made._rest() == 8.5
