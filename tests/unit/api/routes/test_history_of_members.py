"""GET …/history of the fleet, of one of its hosts, and of one process of a host."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from breakerd import Registry
from breakerd.breaker.history import HistorySlot
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.record import Record
from breakerd.breaker.record.settings import HistorySettings
from breakerd.breaker.record.writing.member import Member
from breakerd.breaker.record.writing.own_slots import OwnSlot
from breakerd.breaker.record.writing.table import Portion, RecordTable
from tests.support.admin_client import Client

CALLS = {"a": 12, "b": 100}


@pytest.fixture
def begin() -> float:
    return time.time() // 10 * 10 - 60


@pytest.fixture
def told(tmp_path: Path, begin: float) -> Iterator[Path]:
    """A file in which two members have told of ten seconds."""
    path = tmp_path / "told.db"
    table = RecordTable(path)
    for name, calls in CALLS.items():
        slot = HistorySlot(start=begin, width=10.0, calls=calls)
        table.write(Member(name, name, name), Portion([OwnSlot("payments", 0, slot)]), begin)
    yield path
    table.close()


@pytest.fixture
def fleet(app: FastAPI, registry: Registry, told: Path) -> None:
    registry.get("payments")
    app.state.admin.fleet_record = lambda: RecordReader(told)


@pytest.fixture
def record(app: FastAPI, registry: Registry, told: Path) -> Iterator[Record]:
    registry.get("payments")
    made = Record(registry, HistorySettings(), told)
    made.start()
    app.state.admin.record = made
    yield made
    made.close()


def ask(client: Client, query: str) -> Any:
    return client.get(f"/breakers/payments/history?from=-5m&step=10s&{query}")


@pytest.mark.usefixtures("fleet")
def test_the_sums_of_the_fleet_say_of_how_many_processes(client: Client, begin: float) -> None:
    answer = ask(client, "scope=fleet").json()
    assert answer["source"] == "fleet"
    found = [(slot["start"], slot["calls"], slot["members"]) for slot in answer["slots"]]
    assert found == [(begin, 112, 2)]
    assert begin <= answer["complete_until"] <= time.time() - 40


@pytest.mark.usefixtures("fleet")
def test_one_host_of_the_fleet(client: Client) -> None:
    answer = ask(client, "scope=fleet&member=b").json()
    assert [slot["calls"] for slot in answer["slots"]] == [100]


@pytest.mark.usefixtures("record")
def test_one_process_of_the_host(client: Client) -> None:
    answer = ask(client, "member=a").json()
    assert answer["source"] == "host"
    assert [slot["calls"] for slot in answer["slots"]] == [12]


@pytest.mark.usefixtures("fleet", "record")
@pytest.mark.parametrize("scope", ["host", "fleet"])
def test_a_member_that_nobody_knows_is_refused_with_those_that_are(
    client: Client, scope: str
) -> None:
    answer = ask(client, f"scope={scope}&member=c")
    assert answer.status_code == 400
    assert "a, b" in answer.text


def test_without_a_hub_there_is_no_fleet(client: Client, registry: Registry) -> None:
    registry.get("payments")
    answer = ask(client, "scope=fleet")
    assert answer.status_code == 400
    assert "no hub joins this host to others" in answer.text


def test_without_a_record_there_are_no_members(client: Client, registry: Registry) -> None:
    registry.get("payments")
    answer = ask(client, "member=a")
    assert answer.status_code == 400
    assert "no record is kept" in answer.text
