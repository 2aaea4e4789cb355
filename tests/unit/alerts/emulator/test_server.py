"""The emulator over real sockets."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx

from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from tests.unit.alerts.emulator.conftest import create

SECRET = "s3cret-key"


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
