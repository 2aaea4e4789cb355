"""Each setter changes the engine's next decision, the file, and nothing else."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from breakerd import Breaker, Registry, State
from breakerd.api.app import create_app
from breakerd.breaker.testing import ManualClock, simulate_call
from tests.support.admin_client import Client

FOLLOWED = {"also_changes": ["payments"]}
"""Answer's part about the breaker that follows the root in all but its latency threshold."""


@pytest.fixture
def breaker(registry: Registry) -> Breaker:
    return registry.get()


def calls(breaker: Breaker, clock: ManualClock, milliseconds: float, count: int) -> None:
    for _ in range(count):
        simulate_call(breaker, clock, milliseconds)


def test_latency_decides_the_next_call(
    client: Client, breaker: Breaker, clock: ManualClock
) -> None:
    calls(breaker, clock, 200, 10)
    assert breaker.allow()
    answer = client.post("/breaker/latency", json={"threshold": 150})
    assert answer.json() == {"message": "Latency threshold set to 150 ms", "latency": 150}
    calls(breaker, clock, 200, 1)
    assert not breaker.allow()
    assert client.get("/breaker/latency").json() == {"latency": 150}


def test_memory_decides_the_next_reading(
    client: Client, breaker: Breaker, clock: ManualClock
) -> None:
    assert breaker.allow()
    answer = client.post("/breaker/memory", json={"threshold": 45})
    assert answer.json() == {"message": "Memory threshold set to 45 %", "memory": 45.0, **FOLLOWED}
    clock.advance(1)
    assert not breaker.allow()
    assert not breaker.memory_ok
    assert client.get("/breaker/memory").json() == {"memory": 45.0}


def test_percentile_decides_the_next_call(
    client: Client, breaker: Breaker, clock: ManualClock
) -> None:
    client.post("/breaker/percentile", json={"percentile": 50})
    calls(breaker, clock, 10, 16)
    calls(breaker, clock, 400, 2)
    assert not breaker.triggered
    answer = client.post("/breaker/percentile", json={"percentile": 99})
    assert answer.json() == {"message": "Percentile set to 0.99", "percentile": 0.99, **FOLLOWED}
    calls(breaker, clock, 400, 1)
    assert breaker.triggered
    assert client.get("/breaker/percentile").json() == {"percentile": 0.99}


def test_any_percentage_below_a_hundred_is_a_percentile(client: Client) -> None:
    refused = client.post("/breaker/percentile", json={"percentile": 100}).json()["detail"]
    assert refused == "percentile: found 100; allowed: a number > 0, < 100 (fraction or %)"
    for percentage, fraction in ((99.99999999999, 1 - 1e-12), (99.9999, 0.999999), (1, 0.01)):
        answer = client.post("/breaker/percentile", json={"percentile": percentage})
        assert (answer.status_code, answer.json()["percentile"]) == (200, fraction)


@pytest.mark.parametrize(
    ("said", "meant"), [(0.5, 0.5), (95, 0.95), (99.9, 0.999), (1, 0.01), (1.5, 0.015)]
)
def test_percentile_is_a_fraction_or_a_percentage(
    client: Client, said: float, meant: float
) -> None:
    answer = client.post("/breaker/percentile", json={"percentile": said})
    assert answer.json()["percentile"] == meant


def test_window_size_decides_the_next_call(
    client: Client, breaker: Breaker, clock: ManualClock
) -> None:
    calls(breaker, clock, 10, 20)
    calls(breaker, clock, 290, 5)
    answer = client.post("/breaker/latency-window-size", json={"size": 5})
    assert answer.json() == {
        "message": "Latency window size set to 5",
        "latency": 5,
        "size": 5,
        **FOLLOWED,
    }
    assert breaker.status()["recent_latencies_ms"] == [290] * 5
    calls(breaker, clock, 400, 1)
    assert breaker.triggered
    assert client.get("/breaker/latency-window-size").json() == {"latency": 5, "size": 5}


def test_wait_decides_how_long_the_next_trip_lasts(
    client: Client, breaker: Breaker, clock: ManualClock
) -> None:
    answer = client.post("/breaker/wait", json={"wait_time": 5})
    assert answer.json() == {"message": "Wait set to 5 s", "wait": 5, **FOLLOWED}
    breaker.trip()
    clock.advance(4.9)
    assert not breaker.allow()
    clock.advance(0.2)
    assert breaker.allow()
    assert client.get("/breaker/wait").json() == {"wait": 5}


def test_trend_analysis_decides_the_next_call(
    client: Client, breaker: Breaker, clock: ManualClock
) -> None:
    answer = client.post("/breaker/trend-analysis", json={"enabled": True})
    assert answer.json() == {
        "message": "Trend analysis turned on",
        "trend_analysis": True,
        **FOLLOWED,
    }
    for milliseconds in (500, 450, 400, 350, 310, 305, 303):
        simulate_call(breaker, clock, milliseconds)
    assert not breaker.triggered
    off = client.post("/breaker/trend-analysis", json={"enabled": False})
    assert off.json()["message"] == "Trend analysis turned off"
    calls(breaker, clock, 302, 1)
    assert breaker.triggered
    assert client.get("/breaker/trend-analysis").json() == {"trend_analysis": False}


@pytest.mark.parametrize(
    ("path", "body", "line"),
    [
        ("memory", {"threshold": 85}, "memory_threshold = 85"),
        ("latency", {"threshold": 800}, "latency_threshold = 800  # agreed with the team"),
        ("latency", {"threshold": 800.5}, "latency_threshold = 800.5  # agreed with the team"),
        ("latency-window-size", {"size": 128}, "latency_window_size = 128"),
        ("percentile", {"percentile": 99}, "percentile = 0.99"),
        ("wait", {"wait_time": 20}, "wait_time = 20"),
        ("trend-analysis", {"enabled": True}, "trend_analysis_enabled = true"),
    ],
)
def test_what_is_set_is_written_and_comments_stay(
    client: Client, file: Path, path: str, body: dict[str, object], line: str
) -> None:
    assert client.post(f"/breaker/{path}", json=body).status_code == 200
    text = file.read_text()
    assert line in text
    assert "# who owns this" in text
    assert "# agreed with the team" in text


def test_another_breaker_is_set_in_its_own_table(
    client: Client, registry: Registry, file: Path
) -> None:
    answer = client.post("/breakers/payments/latency", json={"threshold": 50})
    assert answer.json()["latency"] == 50
    assert registry.get("payments").settings.latency_threshold == 50
    assert registry.get().settings.latency_threshold == 300
    assert file.read_text().index("latency_threshold = 50") > file.read_text().index("[breakers")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("memory", {"threshold": 0}),
        ("memory", {"threshold": 100}),
        ("memory", {"threshold": "85"}),
        ("memory", {"threshold": True}),
        ("memory", {}),
        ("latency", {"threshold": 4.9}),
        ("latency", {"threshold": None}),
        ("latency", {"threshold": 10, "treshold": 10}),
        ("latency", [1]),
        ("latency-window-size", {"size": 0}),
        ("latency-window-size", {"size": 65537}),
        ("latency-window-size", {"size": 1.5}),
        ("percentile", {"percentile": 0}),
        ("percentile", {"percentile": 100}),
        ("wait", {"wait_time": 0.5}),
        ("wait", {"wait_time": 3601}),
        ("trend-analysis", {"enabled": 1}),
        ("trend-analysis", {"enabled": "yes"}),
    ],
)
def test_what_is_wrong_changes_nothing(
    client: Client, breaker: Breaker, file: Path, path: str, body: object
) -> None:
    before, text = breaker.settings, file.read_text()
    answer = client.post(f"/breaker/{path}", json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:breakerd:problem:invalid"
    assert problem["errors"][0].keys() == {"where", "line", "key", "found", "allowed"}
    assert breaker.settings == before
    assert file.read_text() == text


def test_a_whole_number_may_be_written_with_a_fraction(client: Client, breaker: Breaker) -> None:
    assert client.post("/breaker/latency-window-size", json={"size": 7.0}).json()["size"] == 7
    body = {"minimum_calls": 3.0, "recovery": {"probes": 2.0, "ramp": [0.5, 0.75]}}
    assert client.patch("/breaker/config", json=body).status_code == 200
    assert (breaker.settings.minimum_calls, breaker.settings.recovery.probes) == (3, 2)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_are_finite(client: Client, number: str) -> None:
    answer = client.post(
        "/breaker/latency",
        content=f'{{"threshold": {number}}}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 400


def test_a_read_only_file_leaves_the_change_in_memory(
    client: Client, breaker: Breaker, file: Path
) -> None:
    file.chmod(0o444)
    text = file.read_text()
    answer = client.post("/breaker/latency", json={"threshold": 250})
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "urn:breakerd:problem:not-written"
    assert problem["in_force"] is True
    assert "not written" in problem["detail"]
    assert breaker.settings.latency_threshold == 250
    assert client.get("/breaker/latency").json() == {"latency": 250}
    assert file.read_text() == text
    assert client.get("/audit").json()["entries"][0]["outcome"] == "in memory only"


def test_the_whole_configuration_can_be_read_and_changed(
    client: Client, breaker: Breaker, file: Path
) -> None:
    assert client.get("/breaker/config").json() == breaker.settings.model_dump(mode="json")
    answer = client.patch(
        "/breaker/config",
        json={
            "wait_time": 7,
            "recovery": {"probes": 2},
            "recovery.ramp": [0.5],
            "error_threshold": 0.2,
        },
    )
    assert answer.status_code == 200
    after = answer.json()
    assert after.pop("also_changes") == ["payments"]
    assert after == breaker.settings.model_dump(mode="json")
    assert (after["wait_time"], after["error_threshold"]) == (7.0, 0.2)
    assert (after["recovery"]["probes"], after["recovery"]["ramp"]) == (2, [0.5])
    assert after["latency_threshold"] == 300
    assert "[recovery]" in file.read_text()
    assert "error_threshold = 0.2" in file.read_text()
    client.patch("/breaker/config", json={"error_threshold": None})
    assert breaker.settings.error_threshold == 0.5
    assert "error_threshold" not in file.read_text()


def test_a_change_of_many_is_made_whole_or_not_at_all(
    client: Client, breaker: Breaker, file: Path
) -> None:
    before, text = breaker.settings, file.read_text()
    body = {"wait_time": 7, "percentile": 2, "latency_treshold": 1, "recovery": {"probes": 0}}
    answer = client.patch("/breaker/config", json=body)
    assert answer.status_code == 400
    keys = {error["key"] for error in answer.json()["errors"]}
    assert keys == {"percentile", "latency_treshold", "recovery.probes"}
    assert (breaker.settings, file.read_text()) == (before, text)


WRONG = [
    (
        {"latency_threshold": 1},
        "latency_threshold: found 1; allowed: a number ≥ 5, ≤ 86400000 (ms)",
    ),
    ({"latency_treshold": 1}, "allowed: did you mean 'latency_threshold'?"),
    ({"slo": 2}, "slo: found 2; allowed: a table with success_rate, timeout, warmup"),
    ({"slo.success_rate": 2}, "slo.success_rate: found 2; allowed: a number > 0, < 1 (fraction)"),
    ({"slo": {"timeuot": 2}}, "slo.timeuot: found unknown key 'timeuot'; allowed: did you mean"),
    ({"slo": {"timeout": 2}}, "slo.success_rate: found nothing; allowed: a number > 0, < 1"),
    ({"latency_treshold": None}, "did you mean 'latency_threshold'?"),
    ({"recovery": 3, "recovery.probes": 2}, "allowed: a table"),
    ({"recovery": {"probes": 3}, "recovery.probes": 2}, "recovery.probes: found the key twice"),
    ({"recovery.ramp.0": 0.4}, "recovery.ramp: found a table; allowed: a list"),
    ({"recovery.ramp": [0.5, 0.4]}, "found [0.5, 0.4]; allowed: shares that do not fall, each > 0"),
    ({"load": {"reject": True}}, "load.reject: found true; allowed: false, or true beside one of"),
    ({"": 1}, "found unknown key ''"),
]


def test_what_is_wrong_is_told_as_by_check(client: Client, breaker: Breaker, file: Path) -> None:
    before, text = breaker.settings, file.read_text()
    for body, detail in WRONG:
        answer = client.patch("/breaker/config", json=body)
        assert answer.status_code == 400, body
        assert detail in answer.json()["detail"]
    assert (breaker.settings, file.read_text()) == (before, text)


def test_one_key_of_a_table_is_changed_and_null_removes_any(
    client: Client, registry: Registry, breaker: Breaker, file: Path
) -> None:
    patch = partial(client.patch, "/breaker/config")
    assert patch(json={"slo": {"success_rate": 0.9, "timeout": 2}}).status_code == 200
    assert patch(json={"slo.timeout": 1}).json()["slo"]["timeout"] == 1
    assert patch(json={"slo": {"success_rate": 0.8}}).json()["slo"]["timeout"] == 1
    own = client.patch("/breakers/payments/config", json={"slo": {"timeout": 3}}).json()["slo"]
    assert (own["success_rate"], own["timeout"]) == (0.8, 3)
    answer = patch(json={"latency_threshold": None, "minimum_calls": None})
    assert (answer.json()["latency_threshold"], breaker.settings.minimum_calls) == (1500, 10)
    assert "latency_threshold = 300" not in file.read_text()
    assert registry.get("payments").settings.latency_threshold == 100
    client.patch("/breakers/payments/config", json={"latency_threshold": None})
    assert registry.get("payments").settings.latency_threshold == 1500


def test_changing_nothing_is_no_change(client: Client, breaker: Breaker) -> None:
    answer = client.patch("/breaker/config", json={})
    assert answer.json() == breaker.settings.model_dump(mode="json")
    assert client.get("/audit").json()["entries"] == []


def test_without_a_file_changes_live_in_memory(unfiled: Registry) -> None:
    client = Client(create_app(unfiled))
    assert client.post("/breaker/latency", json={"threshold": 250}).status_code == 200
    assert unfiled.get().settings.latency_threshold == 250


def test_a_service_level_is_changed_while_it_runs(
    client: Client, breaker: Breaker, clock: ManualClock, file: Path
) -> None:
    client.patch("/breaker/config", json={"slo": {"success_rate": 0.9, "timeout": 2}})
    assert client.get("/breaker/status").json()["slo"]["stated_success_rate"] == 0.9
    assert breaker.state is State.CLOSED, "nothing warms up again"
    calls(breaker, clock, 100, 1100)
    clock.advance(1)
    estimate = client.get("/breaker/status").json()["slo"]["estimate"]
    assert 0.99 < estimate["success_rate"] < 1
    assert 0.1 < estimate["timeout_seconds"] < 0.2
    answer = client.patch(
        "/breaker/config",
        json={"slo.success_rate": estimate["success_rate"], "slo.timeout": 0.5},
    )
    assert answer.json()["slo"] == {
        "success_rate": estimate["success_rate"],
        "timeout": 0.5,
        "warmup": 60.0,
    }
    assert f"success_rate = {estimate['success_rate']}" in file.read_text()
    assert breaker.state is State.CLOSED
    client.patch("/breaker/config", json={"slo": None})
    assert breaker.settings.slo is None
    assert client.get("/breaker/status").json()["slo"] is None


@pytest.fixture
def shop(registry: Registry) -> Registry:
    """Beside `default`, one breaker with a latency threshold of its own, and two that follow."""
    for name in ("checkout", "cart"):
        registry.get(name)
    return registry


def test_a_change_of_default_names_the_breakers_that_follow_it(
    client: Client, shop: Registry
) -> None:
    answer = client.post("/breaker/latency", json={"threshold": 800}).json()
    assert answer["also_changes"] == ["cart", "checkout"]
    assert shop.get("cart").settings.latency_threshold == 800
    answer = client.patch("/breaker/config", json={"wait_time": 7, "latency_threshold": 800}).json()
    assert answer["also_changes"] == ["cart", "checkout", "payments"]
    answer = client.patch("/breaker/config", json={"recovery.probes": 5}).json()
    assert answer["also_changes"] == ["cart", "checkout", "payments"]
    answer = client.patch("/breaker/config", json={"wait_time": None}).json()
    assert answer["also_changes"] == ["cart", "checkout", "payments"]


def test_a_change_that_changes_no_other_says_nothing_of_others(
    client: Client, shop: Registry
) -> None:
    for answer in (
        client.post("/breakers/cart/latency", json={"threshold": 800}),
        client.post("/breaker/latency", json={"threshold": 300}),
        client.patch("/breakers/cart/config", json={"wait_time": 7}),
        client.patch("/breaker/config", json={}),
    ):
        assert answer.status_code == 200
        assert "also_changes" not in answer.json()
    assert shop.get("checkout").settings.latency_threshold == 300


def test_a_refused_change_changes_no_other(client: Client, shop: Registry) -> None:
    assert client.post("/breaker/latency", json={"threshold": 1}).status_code == 400
    assert shop.get("cart").settings.latency_threshold == 300


def test_without_a_file_others_follow_too(unfiled: Registry) -> None:
    unfiled.get(), unfiled.get("cart")
    client = Client(create_app(unfiled))
    answer = client.post("/breaker/latency", json={"threshold": 800}).json()
    assert answer == {
        "message": "Latency threshold set to 800 ms", "latency": 800, "also_changes": ["cart"],
    }  # fmt: skip
