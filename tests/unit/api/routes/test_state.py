from __future__ import annotations

import json

import pytest
from fastapi import FastAPI

from breakerd import Alerting, Breaker, LoadReading, Registry, Settings
from breakerd.api.app import create_app
from breakerd.breaker.testing import ManualClock, simulate_call
from tests.support.admin_client import Client

GO_BREAKERS = [
    "enabled", "triggered", "last_trip_time", "memory_ok", "current_memory_usage_mb",
    "memory_threshold_percent", "total_memory_mb", "memory_usage_percent", "latency_ok",
    "current_percentile_ms", "latency_threshold_ms", "latency_percent_of_threshold",
    "percentile_value", "latency_window_size", "wait_time_seconds", "recent_latencies_ms",
    "trend_analysis_enabled", "trend_analysis_min_sample_count", "has_positive_trend",
]  # fmt: skip


@pytest.fixture
def breaker(registry: Registry) -> Breaker:
    return registry.get()


def test_status_has_go_breakers_keys_with_whole_numbers_and_ours(
    client: Client, breaker: Breaker, clock: ManualClock
) -> None:
    simulate_call(breaker, clock, 12.4)
    answer = client.get("/breaker/status")
    status = answer.json()
    assert list(status)[: len(GO_BREAKERS)] == GO_BREAKERS
    assert status["recent_latencies_ms"] == [12]
    assert '"latency_threshold_ms":300,' in answer.text
    assert '"wait_time_seconds":10,' in answer.text
    assert (status["name"], status["state"]) == ("default", "CLOSED")
    assert answer.headers["cache-control"] == "no-store"


def test_an_operator_can_do_all_that_a_breaker_can(client: Client, breaker: Breaker) -> None:
    steps = [
        ("trip", {"reason": "incident 42"}, "OPEN", True),
        ("reset", {"confirm": True}, "CLOSED", False),
        ("force-open", {"reason": "maintenance"}, "FORCED_OPEN", True),
        ("enabled", None, "CLOSED", False),
        ("observe", None, "OBSERVE", False),
        ("enabled", {}, "CLOSED", False),
        ("disabled", None, "DISABLED", False),
        ("enabled", None, "CLOSED", False),
        ("trip", None, "OPEN", True),
        ("reset", None, "CLOSED", False),
        ("force-open", None, "FORCED_OPEN", True),
        ("reset", {}, "CLOSED", False),
    ]
    for path, body, state, triggered in steps:
        answer = (
            client.post(f"/breaker/{path}", json=body)
            if body is not None
            else (client.post(f"/breaker/{path}"))
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == state == breaker.state
        assert answer.json()["triggered"] is triggered
        assert breaker.allow() is not triggered


def test_the_reason_is_kept(client: Client) -> None:
    client.post("/breaker/trip", json={"reason": "incident 42"})
    assert client.get("/breaker/status").json()["note"] == "incident 42"


def test_enabled_says_whether_it_decides(client: Client) -> None:
    assert client.get("/breaker/enabled").json() == {"enabled": True}
    client.post("/breaker/disabled")
    assert client.get("/breaker/enabled").json() == {"enabled": False}


def test_a_reset_that_is_not_confirmed_is_refused(client: Client, breaker: Breaker) -> None:
    breaker.trip()
    answer = client.post("/breaker/reset", json={"confirm": False})
    assert answer.status_code == 400
    assert "confirm" in answer.json()["detail"]
    assert breaker.triggered


@pytest.mark.parametrize("path", ["trip", "trigger-by-latency", "trigger-by-memory"])
def test_what_does_not_fit_the_state_is_told(client: Client, path: str) -> None:
    client.post("/breaker/disabled")
    answer = client.post(f"/breaker/{path}")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:breakerd:problem:wrong-state"


def test_a_drill_of_latency_is_a_real_trip_and_marked(client: Client, breaker: Breaker) -> None:
    answer = client.post("/breaker/trigger-by-latency").json()
    assert answer["triggered"]
    assert answer["drill"]
    assert answer["reason"] == "manual_latency_trigger"
    assert "600 ms" in answer["note"]
    assert (answer["latency_used"], answer["measurements_added"]) == (600, 5)
    assert not breaker.allow()
    status = client.get("/breaker/status").json()
    assert (status["drill"], status["reason"]) == (True, "latency")


def test_a_drill_of_memory_lasts_until_it_is_ended(
    client: Client, breaker: Breaker, clock: ManualClock
) -> None:
    begun = client.post("/breaker/trigger-by-memory").json()
    assert (begun["triggered"], begun["drill"]) == (True, True)
    clock.advance(60)
    assert not breaker.allow()
    ended = client.post("/breaker/restore-memory-check").json()
    assert ended["action"] == "memory_check_restored"
    clock.advance(60)
    assert breaker.allow()


def test_latencies_above_a_threshold(client: Client, breaker: Breaker, clock: ManualClock) -> None:
    for milliseconds in (100, 250.6, 299, 200):
        simulate_call(breaker, clock, milliseconds)
    path = "/breaker/latencies-above-threshold"
    assert client.get(path, params={"threshold": 150}).json() == {"latencies": [251, 299, 200]}
    assert client.get(path).json() == {"latencies": []}
    client.post("/breaker/latency", json={"threshold": 250})
    assert client.get(path).json() == {"latencies": [251, 299]}
    for wrong in ("-1", "nan", "inf", "much"):
        assert client.get(path, params={"threshold": wrong}).status_code == 400


def _not_json(constant: str) -> None:
    pytest.fail(f"{constant} is no JSON")


@pytest.mark.parametrize(
    "settings",
    [
        {"load": {"cpu_pressure_threshold": 5e-324, "load_threshold": 5e-324}},
        {"load": {"cpu_pressure_threshold": 5e-324, "reject": True}},
        {
            "slo": {"success_rate": 1 - 2**-53, "timeout": 1e-300, "warmup": 0.0},
            "limiter": {"enabled": True},
        },
        {"latency_threshold": 5, "percentile": 5e-324, "error_threshold": 5e-324},
        {"memory_threshold": 5e-324, "memory_hysteresis": 5e-324},
        {"recovery": {"ramp": [5e-324], "step_time": 5e-324}, "error_threshold": 5e-324},
    ],
)
def test_no_answer_holds_infinity_whatever_is_configured(
    settings: dict[str, object], clock: ManualClock
) -> None:
    with Registry(
        Settings.model_validate(settings),
        clock=clock,
        memory=lambda: 0.1,
        load=lambda: LoadReading(cpu_pressure=50.0, load_per_cpu=3.0),
    ) as registry:
        client, breaker = Client(create_app(registry)), registry.get()
        for n in range(200):
            clock.advance(0.05)
            if breaker.allow():
                breaker.done(clock(), clock(), error=n % 3 == 0)
        for path in ("/breaker/status", "/breaker/config", "/breakers", "/audit", "/readyz"):
            answer = client.get(path)
            assert answer.status_code == 200, path
            json.loads(answer.text, parse_constant=_not_json)


def test_a_figure_without_a_value_is_null(
    client: Client, breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = breaker.status() | {"error_rate": float("nan")}
    monkeypatch.setattr(Breaker, "status", lambda _: status)
    answer = client.get("/breaker/status")
    assert answer.status_code == 200
    assert json.loads(answer.text, parse_constant=_not_json)["error_rate"] is None


def test_memory_is_told_in_bytes(client: Client) -> None:
    with Registry(Settings()) as registry:
        real = Client(create_app(registry))
        assert real.get("/breaker/memory-usage").json()["memory_usage"] > 0
        limit = real.get("/breaker/memory-limit").json()["memory_limit"]
        assert limit == -1 or limit > 0
    assert client.get("/breaker/memory-usage").json() == {"memory_usage": 0}
    assert client.get("/breaker/memory-limit").json() == {"memory_limit": -1}


def test_every_breaker_has_the_same_routes(client: Client, registry: Registry) -> None:
    client.post("/breakers/payments/trip")
    assert registry.get("payments").triggered
    assert not registry.get().triggered
    assert client.get("/breakers/payments/status").json()["name"] == "payments"
    assert client.get("/breakers/default/status").json()["name"] == "default"
    listed = client.get("/breakers").json()["breakers"]
    assert [(each["name"], each["state"]) for each in listed] == [
        ("default", "CLOSED"),
        ("payments", "OPEN"),
    ]


def test_every_status_says_when_nobody_is_paged(client: Client, alerting: Alerting) -> None:
    off = "nobody is being paged: [opsgenie] enabled is false"
    for path in ("/breaker/status", "/breakers/payments/status", "/breakers"):
        answer = client.get(path).json()
        assert (answer["paging"], answer["paging_problems"]) == (False, [off])
    alerting.add_silence(author="ann", reason="a move", seconds=60, breaker="payments")
    first = client.get("/breakers/payments/status").json()["paging_problems"][0]
    assert first.startswith("nobody is being paged about payments: silenced by ann until ")
    assert client.get("/breaker/status").json()["paging_problems"] == [off]
    default, payments = client.get("/breakers").json()["breakers"]
    assert default["muted_by"] == ""
    assert payments["muted_by"].startswith("silenced by ann until ")
    alerting.close()
    stopped = "nobody is being paged: alerting was closed; it starts again with `start()`"
    assert client.get("/breaker/status").json()["paging_problems"] == [stopped]
    assert client.get("/readyz").json()["paging"] is False


def test_a_process_without_alerting_says_that_nobody_is_paged(registry: Registry) -> None:
    client = Client(create_app(registry))
    for path in ("/breaker/status", "/breakers"):
        answer = client.get(path).json()
        assert answer["paging"] is False
        assert answer["paging_problems"] == ["nobody is being paged: this process has no alerting"]


def test_an_unknown_breaker_is_not_made_and_the_known_ones_are_named(
    client: Client, registry: Registry
) -> None:
    for method, path in (("GET", "status"), ("POST", "trip"), ("GET", "staged-alerts")):
        answer = client.request(method, f"/breakers/nope/{path}")
        assert answer.status_code == 404
        assert answer.json()["known"] == ["default", "payments"]
        assert "payments" in answer.json()["detail"]
    assert "nope" not in registry


@pytest.mark.parametrize(
    "path", ["trigger-by-memory", "trigger-by-latency", "restore-memory-check", "reset", "trip"]
)
def test_a_get_never_changes_anything(client: Client, breaker: Breaker, path: str) -> None:
    for method in ("GET", "HEAD"):
        answer = client.request(method, f"/breaker/{path}")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"
    assert client.delete(f"/breaker/{path}").headers["allow"] == "POST"
    assert breaker.state == "CLOSED"


def test_405_names_all_methods_of_the_path(client: Client) -> None:
    answer = client.delete("/breaker/config")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, PATCH"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["trip", "force-open"])
@pytest.mark.parametrize(
    ("user", "address", "by"),
    [("ada", "127.0.0.1", "ada"), ("", "127.0.0.1", ""), ("", "10.0.0.7", "10.0.0.7")],
)
def test_the_status_says_who_opened_it(
    app: FastAPI, path: str, user: str, address: str, by: str
) -> None:
    client = Client(app, address=address)
    headers = {"X-Breakerd-User": user} if user else {}
    answer = client.post(f"/breaker/{path}", json={"reason": "deploying"}, headers=headers)
    assert answer.status_code == 200
    status = client.get("/breaker/status").json()
    assert (status["note"], status["note_by"]) == ("deploying", by)


@pytest.mark.parametrize("path", ["reset", "enabled", "disabled", "observe"])
def test_the_status_says_who_changed_the_state(client: Client, path: str) -> None:
    client.post("/breaker/trip")
    headers = {"X-Breakerd-User": "ada"}
    assert client.post(f"/breaker/{path}", headers=headers).status_code == 200
    assert client.get("/breaker/status").json()["last_transition"]["by"] == "ada"
