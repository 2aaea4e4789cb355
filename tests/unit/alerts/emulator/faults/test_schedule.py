"""FaultInjector by schedule, and what the log says of them, over real sockets."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from breakerd.alerts.emulator import Emulator, Fault, FaultKind
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.breaker.testing import ManualClock

T = 1_800_000_000.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T)


@pytest.fixture
def driven(clock: ManualClock) -> Iterator[Emulator]:
    with Emulator(api_keys={API_KEY}, delay=0.0, clock=clock) as made:
        yield made


@pytest.fixture
def client(driven: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"GenieKey {API_KEY}"}
    with httpx.Client(base_url=driven.url, headers=headers, timeout=10) as made:
        yield made


def create(client: httpx.Client, alias: str = "a") -> httpx.Response:
    return client.post("/v2/alerts", json={"message": "m", "alias": alias})


def aliases(emulator: Emulator) -> list[str]:
    return [alert.alias for alert in emulator.alerts()]


# --- kinds


def test_refused_connections_reach_nobody(driven: Emulator, client: httpx.Client) -> None:
    create(client)
    url = driven.url
    driven.fail("refuse")
    for _ in range(3):
        with pytest.raises(httpx.ConnectError):
            create(client, "b")
    driven.heal()
    assert driven.url == url
    assert create(client, "c").status_code == 202
    assert aliases(driven) == ["a", "c"]
    assert len(driven.requests) == 2, "a refused connection is no request"


def test_the_port_is_kept_while_nobody_listens(driven: Emulator) -> None:
    driven.fail("refuse")
    host, port = driven.url.removeprefix("http://").split(":")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((host, int(port)))


def test_connections_are_refused_while_the_schedule_says_so(
    driven: Emulator, client: httpx.Client, clock: ManualClock
) -> None:
    driven.schedule([Fault(FaultKind.REFUSE, after=10, lasting=20)])
    assert create(client).status_code == 202
    clock.advance(10)
    driven.settle()
    with pytest.raises(httpx.ConnectError):
        create(client)
    clock.advance(20)
    driven.settle()
    assert create(client).status_code == 202


def test_a_request_that_is_under_way_when_connections_end_is_lost(driven: Emulator) -> None:
    host, port = driven.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /v2/alerts HTTP/1.1\r\nContent-Length: 15\r\n\r\n")
        driven.fail("refuse")
        assert connection.recv(1) == b""
    assert driven.alerts() == []


def test_refusing_from_afar_needs_an_end_and_is_answered(
    driven: Emulator, clock: ManualClock
) -> None:
    with httpx.Client(base_url=driven.url) as bare:
        answer = bare.post("/emulator/faults", json={"kind": "refuse"})
        assert answer.status_code == 422
        assert "needs lasting" in answer.json()["message"]
        answer = bare.post("/emulator/faults", json={"kind": "refuse", "lasting": 5})
        assert answer.status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(driven.url)
    clock.advance(5)
    driven.settle()
    assert httpx.get(driven.url).status_code == 200


def test_an_emulator_that_refuses_can_be_stopped() -> None:
    emulator = Emulator().start()
    emulator.fail("refuse")
    emulator.stop()
    emulator.settle()


def test_hang_loses_the_request_and_answers_nothing(driven: Emulator, client: httpx.Client) -> None:
    driven.fail("hang", times=1)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v2/alerts", json={"message": "m"}, timeout=0.2)
    assert driven.alerts() == []
    assert [(one.status, one.fault) for one in driven.requests] == [(0, "hang")]
    assert create(client).status_code == 202


@pytest.mark.parametrize("abruptly", [False, True])
def test_whoever_hangs_up_is_waited_for_no_longer(driven: Emulator, *, abruptly: bool) -> None:
    before = threading.active_count()
    driven.fail("hang")
    host, port = driven.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        if abruptly:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(b"GET /v2/alerts HTTP/1.1\r\n\r\n")
        assert driven.wait_for(lambda: driven.requests)
        assert threading.active_count() > before
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert threading.active_count() == before


def test_truncated_takes_the_request_and_sends_half_an_answer(
    driven: Emulator, client: httpx.Client
) -> None:
    driven.fail("truncated", times=1)
    answer = create(client)
    assert answer.status_code == 202
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert aliases(driven) == ["a"]
    assert create(client).json()["result"] == "Request will be processed"


def test_empty_takes_the_request_and_sends_nothing(driven: Emulator, client: httpx.Client) -> None:
    driven.fail("empty", times=1)
    answer = create(client)
    assert (answer.status_code, answer.content) == (200, b"")
    assert aliases(driven) == ["a"]


def test_delayed_takes_the_request_and_applies_it_late(
    driven: Emulator, client: httpx.Client, clock: ManualClock
) -> None:
    driven.fail("delayed", delay=30, times=1)
    asked = create(client).json()["requestId"]
    create(client, "b")
    assert aliases(driven) == ["b"]
    assert client.get(f"/v2/alerts/requests/{asked}").status_code == 404
    clock.advance(30)
    assert aliases(driven) == ["b", "a"]
    assert client.get(f"/v2/alerts/requests/{asked}").json()["data"]["isSuccess"] is True


# --- schedules


def test_a_schedule_is_kept_to(driven: Emulator, client: httpx.Client, clock: ManualClock) -> None:
    driven.schedule(
        [Fault(FaultKind.ERROR, lasting=10), Fault(FaultKind.UNAUTHORIZED, after=20, lasting=10)]
    )
    statuses = []
    for _ in range(4):
        statuses.append(create(client).status_code)
        clock.advance(10)
    assert statuses == [503, 202, 401, 202]


def test_a_schedule_comes_over_http_whole_or_not_at_all(
    driven: Emulator, client: httpx.Client, clock: ManualClock
) -> None:
    answer = client.post("/emulator/faults", json=[{"kind": "down"}, {"kind": "flood"}])
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("fault 2: kind: found 'flood'")
    assert driven.faults() == []
    answer = client.post("/emulator/faults", json=[{"kind": "html"}, {"kind": "down", "after": 5}])
    assert [one["kind"] for one in answer.json()["faults"]] == ["html", "down"]
    too_many = [{"kind": "down"}] * 1000
    assert client.post("/emulator/faults", json=too_many).status_code == 422
    assert len(driven.faults()) == 2
    clock.advance(5)
    assert create(client).status_code == 502, "the oldest that hits is the only one"


# --- the log


def test_the_journal_tells_who_did_not_listen_to_a_pause(
    driven: Emulator, client: httpx.Client, clock: ManualClock
) -> None:
    driven.schedule([Fault(FaultKind.RATE_LIMIT, after=10, lasting=30)])
    for _ in range(4):
        create(client)
        clock.advance(15)
    marks = [(one.status, one.throttled, one.warned) for one in driven.requests]
    assert marks == [
        (202, False, False),
        (429, True, False),
        (429, True, True),
        (202, False, False),
    ]
    shown = client.get("/emulator/requests").json()["requests"]
    assert [one["warned"] for one in shown] == [False, False, True, False]


def test_between_two_times_this_arrived_and_nothing_else(
    driven: Emulator, client: httpx.Client, clock: ManualClock
) -> None:
    for alias in "abc":
        create(client, alias)
        clock.advance(1)
    arrived = driven.between(T + 1, T + 2)
    assert [one.body for one in arrived] == [{"message": "m", "alias": "b"}]
    query = {"from": "2027-01-15T08:00:01Z", "to": "2027-01-15T08:00:02Z"}
    shown = client.get("/emulator/requests", params=query).json()["requests"]
    assert [one["body"]["alias"] for one in shown] == ["b"]
    assert client.get("/emulator/requests", params={"from": "noon"}).status_code == 422
