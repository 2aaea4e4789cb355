"""Faults and their responses, over real sockets."""

from __future__ import annotations

import time

import httpx
import pytest

from breakerd.alerts.emulator import Emulator, FaultError
from breakerd.breaker.testing import ManualClock
from tests.unit.alerts.emulator.conftest import create


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
    clock = ManualClock(1_800_000_000.0)
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
