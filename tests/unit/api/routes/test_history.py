"""GET …/history and past events: what the host has recorded."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from breakerd import Registry
from breakerd.api.security.made_token import MadeToken
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.record.record import Record
from breakerd.breaker.record.settings import HistorySettings
from breakerd.breaker.testing import ManualClock
from tests.support.admin_client import Client
from tests.unit.api.routes.test_events import Follower


class Wall:
    """Time of the host, as far ahead as the breakers' clock is."""

    def __init__(self, clock: ManualClock) -> None:
        self._begin, self._clock = time.time() - clock(), clock

    def __call__(self) -> float:
        return self._begin + self._clock()


@pytest.fixture
def wall(clock: ManualClock) -> Wall:
    return Wall(clock)


@pytest.fixture
def record(registry: Registry, wall: Wall, app: FastAPI, tmp_path: Path) -> Iterator[Record]:
    record = Record(registry, HistorySettings(), tmp_path / "history.db", wall)
    record.start()
    app.state.admin.record = record
    yield record
    record.close()


def call(registry: Registry, number: int, *, error: bool = False) -> None:
    payments = registry.get("payments")
    for _ in range(number):
        payments.allow()
        now = payments.clock()
        payments.done(now - 0.02, now, error=error)


def history(client: Client, query: str = "") -> dict[str, Any]:
    to = time.time() + 60
    answer = client.get(f"/breakers/payments/history?from=-1h&to={to}&step=1d{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.usefixtures("record")
def test_slots_of_disk_and_memory_are_one(
    client: Client, registry: Registry, clock: ManualClock
) -> None:
    call(registry, 3, error=True)
    clock.advance(25)
    call(registry, 4)  # the answer writes both: it writes at most once a second
    found = client.get("/breakers/payments/history?to=2099-01-01&step=10s&from=-1m")
    assert found.status_code == 400
    found = client.get(f"/breakers/payments/history?from=-1m&to={time.time() + 60}&step=10s")
    answer = found.json()
    assert (answer["source"], answer["step"], answer["problem"]) == ("host", 10, None)
    assert [(slot["calls"], slot["failures"]) for slot in answer["slots"]] == [(3, 3), (4, 0)]
    assert HistorySlot.from_dict(answer["slots"][0]).durations.count == 3
    assert answer["complete_until"] % 10 == 0


@pytest.mark.usefixtures("record")
def test_fields_are_chosen(client: Client, registry: Registry) -> None:
    call(registry, 3)
    (slot,) = history(client, "&fields=calls,durations")["slots"]
    assert slot == {"start": slot["start"], "calls": 3, "durations": [[9, 3]]}


@pytest.mark.usefixtures("record")
def test_every_problem_is_told_at_once(client: Client) -> None:
    answer = client.get("/breakers/payments/history?from=x&to=y&step=z&fields=call")
    assert answer.status_code == 400
    problems = {each["key"]: each["allowed"] for each in answer.json()["errors"]}
    assert {*problems} == {"from", "to", "step", "fields"}
    assert problems["fields"] == "did you mean 'calls'?"
    answer = client.get("/breakers/payments/history?from=now&to=-1m")
    assert "a time before `to`" in answer.json()["detail"]


@pytest.mark.usefixtures("record")
@pytest.mark.parametrize(
    ("query", "least"),
    [
        ("from=-1d&step=10s", "at least 50s"),
        ("from=-7d&step=10s", "at least 6m"),
        ("from=-1h&step=15s", "a multiple of 10s"),
        ("from=-1h&to=now&step=1s", "at least 10s, or a `from` after"),
    ],
)
def test_smallest_step_is_told(client: Client, query: str, least: str) -> None:
    answer = client.get(f"/breakers/payments/history?{query}")
    assert answer.status_code == 400
    assert least in answer.json()["detail"]


@pytest.mark.usefixtures("record")
@pytest.mark.parametrize(
    ("begin", "step"), [("-15m", 10), ("-6h", 60), ("-7d", 1800), ("1000000000", 2_419_200)]
)
def test_step_is_chosen(client: Client, begin: str, step: float) -> None:
    answer = client.get(f"/breakers/payments/history?from={begin}").json()
    assert (answer["step"], answer["slots"]) == (step, [])


@pytest.mark.usefixtures("record")
def test_seconds_are_those_of_the_process(client: Client, registry: Registry) -> None:
    call(registry, 3)
    answer = client.get(f"/breakers/payments/history?step=1s&to={time.time() + 60}").json()
    assert (answer["source"], answer["step"]) == ("process", 1)
    assert [slot["calls"] for slot in answer["slots"]] == [3]


def test_without_a_record_memory_answers(client: Client, registry: Registry) -> None:
    call(registry, 3)
    answer = history(client)
    assert (answer["source"], answer["problem"]) == ("process", None)
    assert [slot["calls"] for slot in answer["slots"]] == [3]
    refused = client.get("/events?since=-1h")
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:breakerd:problem:no-record")


def test_disk_that_fails_costs_what_only_it_has(
    client: Client, registry: Registry, record: Record, tmp_path: Path
) -> None:
    (tmp_path / "history.db").mkdir()
    call(registry, 3)
    answer = history(client)
    assert [slot["calls"] for slot in answer["slots"]] == [3]
    assert (answer["source"], "history.db" in answer["problem"]) == ("process", True)
    assert client.get("/events?since=-1h").status_code == 503
    assert "history" in record.not_running()


def test_minutes_fill_what_is_kept_no_finer(
    client: Client, registry: Registry, record: Record, tmp_path: Path
) -> None:
    call(registry, 3)
    record.flush()
    now = time.time()
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection, connection:
        floor = (now // 60 - 5) * 60
        connection.execute("INSERT INTO metadata VALUES ('fine_floor', ?)", (floor,))
        connection.execute(
            "INSERT INTO slots SELECT breaker, 60, ?, data FROM members", (int(floor) - 60,)
        )
    answer = client.get(f"/breakers/payments/history?from=-15m&to={now + 60}&step=10s").json()
    assert [(slot["width"], slot["calls"]) for slot in answer["slots"]] == [(60, 3), (10, 3)]


def test_breaker_that_only_the_record_knows(
    client: Client, registry: Registry, record: Record, tmp_path: Path
) -> None:
    call(registry, 3)
    record.flush()
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection, connection:
        connection.execute("UPDATE breakers SET name = 'gone'")
    answer = client.get(f"/breakers/gone/history?to={time.time() + 60}&step=1d")
    assert [slot["calls"] for slot in answer.json()["slots"]] == [3]
    assert client.get("/breakers/never/history").status_code == 404


def add(record: Record, text: str, kind: str = "act", breaker: str | None = "payments") -> None:
    record.add(RecordEvent(time=time.time(), breaker=breaker, kind=kind, text=text))


def test_past_events_are_listed(client: Client, record: Record) -> None:
    add(record, "reset")
    add(record, "refused", "reload", None)
    add(record, "sent", "alert", "default")
    answer = client.get("/events?since=-1h&until=2099-01-01").json()
    assert [each["text"] for each in answer["events"]] == ["reset", "refused", "sent"]
    assert (answer["more"], answer["events"][0]["id"]) == (False, 1)
    answer = client.get("/breakers/payments/events?since=-1h&until=2099-01-01").json()
    assert [each["text"] for each in answer["events"]] == ["reset", "refused"]
    answer = client.get("/events?kinds=alert,reload&until=2099-01-01&limit=1").json()
    assert [each["text"] for each in answer["events"]] == ["sent"]
    assert answer["more"]
    answer = client.get("/events", headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.usefixtures("record")
def test_problems_of_a_question_for_events_are_told(client: Client) -> None:
    answer = client.get("/events?since=x&until=y&kinds=alerts")
    assert answer.status_code == 422
    assert [each["key"] for each in answer.json()["errors"]] == ["since", "until", "kinds"]
    assert "did you mean 'alert'?" in answer.json()["detail"]
    assert client.get("/breaker/events?limit=0").status_code == 400


@pytest.mark.usefixtures("record")
def test_past_events_need_a_token(app: FastAPI) -> None:
    stranger = Client(app, stranger=True)
    assert stranger.get("/events?since=-1h").status_code == 401
    assert stranger.get("/breakers/payments/events").status_code == 401
    assert stranger.get("/breakers/payments/history").status_code == 200


async def test_stream_goes_on_after_past_events(app: FastAPI, record: Record) -> None:
    token = MadeToken().get()
    assert token is not None
    headers = {
        "authorization": f"Bearer {token.get_secret_value()}",
        "accept": "text/event-stream",
    }
    add(record, "first")
    add(record, "second")
    record.flush()
    async with Follower(app, "/events?since=-1h", **headers) as follower:
        assert await follower.status() == 200
        assert (await follower.line()).startswith(": listening")
        first, second = await follower.line(), await follower.line()
        assert [text_of(first), text_of(second)] == ["first", "second"]
        assert second.startswith("id: 2\n")
        add(record, "third")
        assert text_of(await follower.line()) == "third"
    async with Follower(app, "/events?kinds=act", last_event_id="1", **headers) as follower:
        assert await follower.status() == 200
        assert (await follower.line()).startswith(": listening")
        assert text_of(await follower.line()) == "second"


def text_of(message: str) -> str:
    text: str = json.loads(message.partition("data: ")[2])["text"]
    return text
