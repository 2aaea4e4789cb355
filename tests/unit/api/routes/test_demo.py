from __future__ import annotations

import pytest

from breakerd import Breaker, Registry
from breakerd.api.app import create_app
from breakerd.api.routes.demo import Endpoint
from tests.support.admin_client import Client


@pytest.fixture
def breaker(registry: Registry) -> Breaker:
    return registry.get()


def test_the_endpoint_is_protected(client: Client, breaker: Breaker) -> None:
    client.post("/test/delay", json={"delay": "1ms"})
    answer = client.get("/test").json()
    assert answer["configured_delay_ms"] == 1
    assert answer["breaker_status"]["enabled"] is True
    assert breaker.counters().success == 1
    breaker.trip()
    rejected = client.get("/test")
    assert rejected.status_code == 503
    assert rejected.headers["retry-after"] == "10"
    assert rejected.json()["type"] == "urn:breakerd:problem:rejected"
    assert rejected.json()["reason"] == "manual"


@pytest.mark.parametrize(
    ("delay", "milliseconds"),
    [
        ("500ms", 500),
        ("2s", 2000),
        ("1m", 60000),
        ("1.5s", 1500),
        ("2s500ms", 2500),
        (".5s", 500),
        ("1.s", 1000),
        ("2000us", 2),
        ("2000\u00b5s", 2),
        ("2000\u03bcs", 2),
        ("3000000ns", 3),
        ("0.01h", 36000),
        ("0", 0),
    ],
)
def test_delays_are_written_as_in_go(client: Client, delay: str, milliseconds: int) -> None:
    answer = client.post("/test/delay", json={"delay": delay}).json()
    assert answer["delay_ms"] == milliseconds


@pytest.mark.parametrize(
    "delay", ["", "soon", "5", "-1s", "61s", "1h", "1s and more", "s", "1s 1s", ".s", "00"]
)
def test_other_delays_are_refused(client: Client, delay: str) -> None:
    assert client.post("/test/delay", json={"delay": delay}).status_code == 400


def test_a_spike_grows_past_any_threshold() -> None:
    endpoint = Endpoint()
    endpoint.configure(None)
    delays = [endpoint.next_delay(300) for _ in range(40)]
    assert delays == sorted(delays)
    assert delays[0] < 0.3 < delays[-1]


def test_errors_are_errors_to_the_breaker(client: Client, breaker: Breaker) -> None:
    client.post("/test/trigger", json={"scenario": "errors"})
    client.post("/test/delay", json={"delay": "1ms"})
    assert client.get("/test").status_code == 500
    assert breaker.counters().error == 1
    client.post("/test/trigger", json={"scenario": "reset_normal"})
    assert client.get("/test").status_code == 200


def test_memory_overload_is_a_drill_until_all_is_normal(client: Client, breaker: Breaker) -> None:
    client.post("/test/trigger", json={"scenario": "memory_overload"})
    assert client.get("/test").status_code == 503
    assert breaker.status()["drill"]
    client.post("/test/trigger", json={"scenario": "reset_normal"})
    assert not breaker.triggered


@pytest.mark.parametrize("scenario", ["high_latency", "latency_spike"])
def test_slowness_begins_and_ends(client: Client, scenario: str) -> None:
    answer = client.post("/test/trigger", json={"scenario": scenario}).json()
    assert (answer["status"], answer["scenario"]) == ("success", scenario)
    assert client.post("/test/delay", json={"delay": "spike"}).json()["status"] == "success"


def test_high_latency_is_above_the_threshold_whatever_that_is(client: Client) -> None:
    client.post("/breaker/latency", json={"threshold": 30})
    client.post("/test/trigger", json={"scenario": "high_latency"})
    assert client.get("/test").json()["configured_delay_ms"] == 40


def test_the_scenarios_are_listed_and_others_refused(client: Client) -> None:
    listed = client.get("/test/scenarios").json()["scenarios"]
    assert [each["key"] for each in listed] == [
        "high_latency",
        "latency_spike",
        "memory_overload",
        "errors",
        "reset_normal",
    ]
    assert client.post("/test/trigger", json={"scenario": "fire"}).status_code == 400


def test_they_are_there_only_if_asked_for(unfiled: Registry) -> None:
    assert Client(create_app(unfiled)).get("/test").status_code == 404
