"""The emulator over real sockets."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from breakerd.alerts.emulator import Emulator, FaultError
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.breaker.testing import DrivenClock

SECRET = "s3cret-key"


@pytest.fixture
def client(opsgenie_emulator: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"GenieKey {API_KEY}"}
    with httpx.Client(base_url=opsgenie_emulator.url, headers=headers, timeout=10) as made:
        yield made


def create(client: httpx.Client, alias: str = "a") -> httpx.Response:
    return client.post("/v2/alerts", json={"message": "m", "alias": alias})


# --- keys and log


def test_only_known_keys_in_the_right_scheme_are_let_in(opsgenie_emulator: Emulator) -> None:
    def status(**headers: str) -> int:
        return httpx.get(f"{opsgenie_emulator.url}/v2/alerts", headers=headers).status_code

    assert status(Authorization=f"GenieKey {API_KEY}") == 200
    assert status(Authorization="GenieKey other") == 401
    assert status(Authorization=f"Bearer {API_KEY}") == 401
    assert status(Authorization="GenieKey") == 401
    assert status() == 401


def test_without_keys_every_key_is_let_in_and_none_is_not() -> None:
    with Emulator() as emulator:
        url = f"{emulator.url}/v2/alerts"
        assert httpx.get(url, headers={"Authorization": "GenieKey any"}).status_code == 200
        assert httpx.get(url).status_code == 401


def test_keys_can_be_changed_while_it_runs(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    opsgenie_emulator.api_keys = frozenset({"new"})
    assert create(client).status_code == 401
    opsgenie_emulator.api_keys = frozenset({API_KEY})
    assert create(client).status_code == 202


def test_a_request_is_in_the_journal_when_its_answer_is_here(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    client.put("/v2/alerts/a%2Fb/priority?identifierType=alias", json={"priority": "P1"})
    (entry,) = opsgenie_emulator.requests
    assert (entry.method, entry.path) == ("PUT", "/v2/alerts/a%2Fb/priority")
    assert entry.query == {"identifierType": "alias"}
    assert entry.body == {"priority": "P1"}
    assert (entry.status, entry.fault) == (202, "")
    assert abs(entry.at - time.time()) < 60


def test_keys_are_kept_nowhere() -> None:
    with Emulator(api_keys={SECRET}) as emulator:
        for scheme in ("GenieKey", "genieKey", "Bearer"):
            headers = {"Authorization": f"{scheme} {SECRET}"}
            httpx.get(f"{emulator.url}/v2/alerts", headers=headers)
        log = httpx.get(f"{emulator.url}/emulator/requests").text
        assert log.count(" ***") == 3
        assert SECRET not in log
        assert SECRET not in repr(emulator.requests)
        assert SECRET not in repr(emulator)


# --- faults


def test_down_loses_the_request(opsgenie_emulator: Emulator, client: httpx.Client) -> None:
    opsgenie_emulator.fail("down", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        create(client)
    assert opsgenie_emulator.alerts() == []
    assert [(e.status, e.fault) for e in opsgenie_emulator.requests] == [(0, "down")]
    assert create(client).status_code == 202


def test_drop_takes_the_request_and_does_not_answer(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    opsgenie_emulator.fail("drop", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        create(client)
    assert [alert.alias for alert in opsgenie_emulator.alerts()] == ["a"]
    assert opsgenie_emulator.requests[0].status == 0


def test_slow_takes_the_request_before_the_client_gives_up(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    opsgenie_emulator.fail("slow", delay=60, times=1)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v2/alerts", json={"message": "m"}, timeout=0.2)
    assert len(opsgenie_emulator.alerts()) == 1


def test_slow_answers_in_the_end(opsgenie_emulator: Emulator, client: httpx.Client) -> None:
    opsgenie_emulator.fail("slow", delay=0.1)
    started = time.monotonic()
    assert create(client).status_code == 202
    assert time.monotonic() - started >= 0.1


def test_a_rate_limit_is_a_window_after_which_all_is_well() -> None:
    clock = DrivenClock(1_800_000_000.0)
    with (
        Emulator(clock=clock) as emulator,
        httpx.Client(base_url=emulator.url, headers={"Authorization": "GenieKey k"}) as client,
    ):
        emulator.fail("rate_limit", lasting=30)
        clock.advance(10)
        throttled = create(client)
        assert throttled.status_code == 429
        assert throttled.headers["x-ratelimit-state"] == "THROTTLED"
        assert throttled.headers["x-ratelimit-period-in-sec"] == "20"
        assert throttled.headers["retry-after"] == "20"
        clock.advance(20)
        assert create(client).headers["x-ratelimit-state"] == "OK"


def test_unapplied_is_accepted_and_fails_later(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    opsgenie_emulator.fail("unapplied", path="POST /v2/alerts")
    accepted = create(client)
    assert accepted.status_code == 202
    status = client.get(f"/v2/alerts/requests/{accepted.json()['requestId']}").json()
    assert status["data"]["isSuccess"] is False
    assert opsgenie_emulator.alerts() == []


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [
        ("unauthorized", 401, "application/json"),
        ("error", 503, "application/json"),
        ("html", 502, "text/html"),
    ],
)
def test_faults_that_answer(
    opsgenie_emulator: Emulator, client: httpx.Client, kind: str, status: int, content_type: str
) -> None:
    opsgenie_emulator.fail(kind)
    response = create(client)
    assert response.status_code == status
    assert response.headers["content-type"].startswith(content_type)
    assert opsgenie_emulator.alerts() == []


def test_faults_come_and_go_over_http(client: httpx.Client) -> None:
    fault = {"kind": "error", "times": 1, "status": 500}
    shown = client.post("/emulator/faults", json=fault).json()["faults"]
    assert [one["kind"] for one in shown] == ["error"]
    assert client.get("/emulator/faults").json()["faults"] == shown
    assert create(client).status_code == 500
    client.post("/emulator/faults", json={"kind": "down"})
    assert client.delete("/emulator/faults").json() == {"faults": []}
    assert create(client).status_code == 202


@pytest.mark.parametrize("content", [b'{"kind": "flood"}', b"{", b"", b"7", b"[7]"])
def test_a_wrong_fault_is_refused_with_what_is_allowed(
    client: httpx.Client, content: bytes
) -> None:
    response = client.post("/emulator/faults", content=content)
    assert response.status_code == 422
    assert "kind" in response.json()["message"]
    assert client.get("/emulator/faults").json() == {"faults": []}


def test_a_wrong_fault_is_refused_in_process_too(opsgenie_emulator: Emulator) -> None:
    with pytest.raises(FaultError, match="colour"):
        opsgenie_emulator.fail("down", colour="red")


# --- its own pages


def test_its_own_pages_need_no_key_and_are_not_in_the_request_log(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    create(client)
    client.post("/v2/alerts/a/close?identifierType=alias", json={"note": "over"})
    opsgenie_emulator.fail("down")
    bare = httpx.Client(base_url=opsgenie_emulator.url)
    with bare:
        assert "<table>" in bare.get("/").text
        (alert,) = bare.get("/emulator/alerts").json()["alerts"]
        assert [line["what"] for line in alert["history"]] == ["created P3", "closed"]
        assert alert["notes"][0]["note"] == "over"
        assert alert["closedAt"].endswith("Z")
        requests = bare.get("/emulator/requests").json()["requests"]
        assert [entry["path"] for entry in requests] == [
            "/v2/alerts", "/v2/alerts/a/close",
        ]  # fmt: skip
        assert requests[0]["at"].endswith("Z")
    assert len(opsgenie_emulator.requests) == 2


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("POST", "/emulator/alerts")])
def test_other_paths_say_what_is_served(client: httpx.Client, method: str, path: str) -> None:
    response = client.request(method, path)
    assert response.status_code == 404
    assert "served are GET /" in response.json()["message"]


# --- waiting


def test_waiting_ends_with_the_write_that_it_waits_for() -> None:
    with Emulator(delay=0.1) as emulator:
        headers = {"Authorization": "GenieKey k"}
        body = {"message": "m", "alias": "a"}
        httpx.post(f"{emulator.url}/v2/alerts", json=body, headers=headers)
        alert = emulator.wait_for(lambda: emulator.alert("a"))
        assert alert is not None
        assert alert.message == "m"


def test_waiting_ends_when_the_time_is_over(opsgenie_emulator: Emulator) -> None:
    assert opsgenie_emulator.wait_for(opsgenie_emulator.alerts, timeout=0.01) == []


def test_what_is_waited_for_may_ask_over_http(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    def listed() -> object:
        return client.get("/v2/alerts").json()["data"]

    sender = threading.Timer(0.05, create, (client,))
    sender.start()
    assert opsgenie_emulator.wait_for(listed)
    sender.join()


async def test_waiting_leaves_the_event_loop_free(opsgenie_emulator: Emulator) -> None:
    headers = {"Authorization": f"GenieKey {API_KEY}"}
    waiting = asyncio.create_task(opsgenie_emulator.wait_for_async(opsgenie_emulator.alerts))
    async with httpx.AsyncClient(base_url=opsgenie_emulator.url, headers=headers) as client:
        await client.post("/v2/alerts", json={"message": "m"})
    assert len(await waiting) == 1


# --- connections


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", ""])
def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="allowed is a loopback address"):
        Emulator(host=host)


def test_localhost_is_a_name_for_loopback() -> None:
    with Emulator(host="localhost") as emulator:
        assert emulator.url.startswith("http://127.0.0.1:")


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_loopback_has_an_address_of_version_six() -> None:
    try:
        emulator = Emulator(host="::1")
    except OSError:
        pytest.skip("IPv6 has no loopback here")
    with emulator:
        assert httpx.get(emulator.url).status_code == 200


def test_a_port_in_use_is_an_error(opsgenie_emulator: Emulator) -> None:
    port = int(opsgenie_emulator.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Emulator(port=port)


def test_a_connection_serves_many_requests(opsgenie_emulator: Emulator) -> None:
    connection = http.client.HTTPConnection(opsgenie_emulator.url.removeprefix("http://"))
    connection.connect()
    local = connection.sock.getsockname()
    for _ in range(3):
        connection.request("GET", "/emulator/faults")
        connection.getresponse().read()
        assert connection.sock.getsockname() == local
    connection.close()


def test_stopping_ends_connections_and_held_answers() -> None:
    emulator = Emulator(delay=0.0).start()
    emulator.fail("slow", delay=3600)
    host, port = emulator.url.removeprefix("http://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as idle,
        socket.create_connection((host, int(port)), timeout=10) as held,
    ):
        idle.sendall(b"GET /emulator/faults HTTP/1.1\r\n\r\n")
        assert idle.recv(65_536).startswith(b"HTTP/1.1 200")
        held.sendall(
            b"POST /v2/alerts HTTP/1.1\r\nAuthorization: GenieKey k\r\nContent-Length: 15\r\n\r\n"
            b'{"message":"m"}'
        )
        assert emulator.wait_for(emulator.alerts)
        started = time.monotonic()
        emulator.stop()
        assert time.monotonic() - started < 4
        assert idle.recv(1) == b""
        assert held.recv(1) == b""
    assert len(emulator.alerts()) == 1, "what it holds can still be asked for"


def test_stopping_twice_or_before_the_start_is_harmless() -> None:
    Emulator().stop()
    emulator = Emulator().start()
    emulator.stop()
    emulator.stop()


def exchange(emulator: Emulator, raw: bytes) -> bytes:
    """Sends bytes, and reads until the emulator ends the connection."""
    host, port = emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(raw)
        received = b""
        while more := connection.recv(65_536):
            received += more
    return received


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Content-Length: many", b"400"),
        (b"Content-Length: -1", b"400"),
        (b"Content-Length: 1000001", b"413"),
        (b"Transfer-Encoding: chunked", b"411"),
    ],
)
def test_a_body_that_cannot_be_read_ends_the_connection(
    opsgenie_emulator: Emulator, header: bytes, status: bytes
) -> None:
    head = b"POST /v2/alerts HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n"
    received = exchange(opsgenie_emulator, head)
    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"requestId" in received
    assert opsgenie_emulator.requests == []


def test_a_client_that_leaves_in_the_middle_is_no_request(opsgenie_emulator: Emulator) -> None:
    host, port = opsgenie_emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b'POST /v2/alerts HTTP/1.1\r\nContent-Length: 99\r\n\r\n{"mess')
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert opsgenie_emulator.requests == []


# --- heartbeats


def test_a_heartbeat_that_exists_shows_its_ping(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    opsgenie_emulator.add_heartbeat("live", interval=1)
    assert opsgenie_emulator.heartbeat("none") is None
    client.get("/v2/heartbeats/live/ping")
    heartbeat = opsgenie_emulator.heartbeat("live")
    assert heartbeat is not None
    assert "lastPingTime" in heartbeat
    assert heartbeat["expired"] is False
