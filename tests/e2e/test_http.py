"""Every row of the contract's table, over HTTP, against a server process."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.http_calls import get, post

STATUS = {
    "enabled", "triggered", "last_trip_time", "memory_ok", "current_memory_usage_mb",
    "memory_threshold_percent", "total_memory_mb", "memory_usage_percent", "latency_ok",
    "current_percentile_ms", "latency_threshold_ms", "latency_percent_of_threshold",
    "percentile_value", "latency_window_size", "wait_time_seconds", "recent_latencies_ms",
    "trend_analysis_enabled", "trend_analysis_min_sample_count", "has_positive_trend",
}  # fmt: skip


def call(http: httpx.Client, count: int = 1) -> list[int]:
    """Calls the protected endpoint; gives the status codes."""
    return [http.get("/test").status_code for _ in range(count)]


def test_status(http: httpx.Client) -> None:
    call(http, 2)
    status = get(http, "/breaker/status")
    assert status.keys() > STATUS
    assert (status["enabled"], status["triggered"]) == (True, False)
    assert len(status["recent_latencies_ms"]) == 2
    assert all(isinstance(each, int) for each in status["recent_latencies_ms"])
    assert isinstance(status["latency_threshold_ms"], int)
    assert isinstance(status["wait_time_seconds"], int)
    post(http, "/breaker/trip")
    tripped = get(http, "/breaker/status")
    assert tripped["triggered"]
    assert tripped["last_trip_time"].endswith("Z")
    assert tripped["last_trip_time"] != status["last_trip_time"]


def test_enabled_and_disabled(http: httpx.Client) -> None:
    post(http, "/breaker/trip")
    post(http, "/breaker/disabled")
    assert get(http, "/breaker/enabled") == {"enabled": False}
    assert call(http) == [200]
    assert post(http, "/breaker/enabled", {})["message"]
    assert get(http, "/breaker/enabled") == {"enabled": True}
    assert get(http, "/breaker/status")["state"] == "CLOSED"


@pytest.mark.parametrize("body", [None, {}, {"confirm": True}])
def test_reset(http: httpx.Client, body: object) -> None:
    post(http, "/breaker/trip")
    assert call(http) == [503]
    post(http, "/breaker/reset", body)
    assert call(http) == [200]


def test_reset_not_confirmed(http: httpx.Client) -> None:
    post(http, "/breaker/trip")
    refused = http.post("/breaker/reset", json={"confirm": False})
    assert refused.status_code == 400
    assert get(http, "/breaker/status")["triggered"]


def test_memory(http: httpx.Client, config: Path) -> None:
    assert get(http, "/breaker/memory") == {"memory": 80.0}
    assert post(http, "/breaker/memory", {"threshold": 85})["memory"] == 85.0
    assert get(http, "/breaker/memory") == {"memory": 85.0}
    assert "memory_threshold = 85" in config.read_text()
    # So low that any process is above it: the engine's next reading trips.
    post(http, "/breaker/memory", {"threshold": 0.0001})
    assert call(http) == [503]
    assert get(http, "/breaker/status")["memory_ok"] is False


def test_latency(http: httpx.Client, config: Path) -> None:
    assert get(http, "/breaker/latency") == {"latency": 300}
    post(http, "/set_delay", {"delay": "30ms"})
    assert call(http, 5) == [200] * 5
    answer = post(http, "/breaker/latency", {"threshold": 20})
    assert answer == {"message": "Latency threshold set to 20 ms", "latency": 20}
    assert call(http, 2)[1] == 503
    assert get(http, "/breaker/latency") == {"latency": 20}
    assert "latency_threshold = 20  # agreed with the team" in config.read_text()


def test_latency_window_size(http: httpx.Client, config: Path) -> None:
    assert get(http, "/breaker/latency-window-size") == {"latency": 32, "size": 32}
    call(http, 6)
    answer = post(http, "/breaker/latency-window-size", {"size": 4})
    assert (answer["latency"], answer["size"]) == (4, 4)
    assert len(get(http, "/breaker/status")["recent_latencies_ms"]) == 4
    assert get(http, "/breaker/latency-window-size") == {"latency": 4, "size": 4}
    assert "latency_window_size = 4" in config.read_text()


def test_percentile(http: httpx.Client, config: Path) -> None:
    assert get(http, "/breaker/percentile") == {"percentile": 0.95}
    post(http, "/breaker/latency", {"threshold": 40})
    assert post(http, "/breaker/percentile", {"percentile": 50})["percentile"] == 0.5
    call(http, 8)
    post(http, "/set_delay", {"delay": "60ms"})
    assert call(http, 2) == [200, 200]
    assert call(http) == [200]
    assert post(http, "/breaker/percentile", {"percentile": 0.9})["percentile"] == 0.9
    assert call(http, 2)[1] == 503
    assert get(http, "/breaker/percentile") == {"percentile": 0.9}
    assert "percentile = 0.9\n" in config.read_text()


def test_wait(http: httpx.Client, config: Path) -> None:
    assert get(http, "/breaker/wait") == {"wait": 1}
    assert post(http, "/breaker/wait", {"wait_time": 5})["wait"] == 5
    post(http, "/breaker/trip")
    assert 4 < get(http, "/breaker/status")["retry_after_seconds"] <= 5.5
    assert get(http, "/breaker/wait") == {"wait": 5}
    assert "wait_time = 5" in config.read_text()


def test_trend_analysis(http: httpx.Client, config: Path) -> None:
    assert get(http, "/breaker/trend-analysis") == {"trend_analysis": False}
    assert post(http, "/breaker/trend-analysis", {"enabled": True})["trend_analysis"] is True
    post(http, "/breaker/latency", {"threshold": 5})
    post(http, "/set_delay", {"delay": "10ms"})
    # Fewer calls than a trend is judged by: none trips, where without it the third would.
    assert call(http, 6) == [200] * 6
    assert post(http, "/breaker/trend-analysis", {"enabled": False})["trend_analysis"] is False
    assert call(http, 2)[1] == 503
    assert "trend_analysis_enabled = false" in config.read_text()


def test_memory_usage_and_limit(http: httpx.Client) -> None:
    assert get(http, "/breaker/memory-usage")["memory_usage"] > 1_000_000
    limit = get(http, "/breaker/memory-limit")["memory_limit"]
    assert limit == -1 or limit > 1_000_000


def test_latencies_above_threshold(http: httpx.Client) -> None:
    post(http, "/set_delay", {"delay": "20ms"})
    call(http, 2)
    path = "/breaker/latencies-above-threshold"
    above = get(http, f"{path}?threshold=10")["latencies"]
    assert len(above) == 2
    assert all(isinstance(each, int) and each >= 20 for each in above)
    assert get(http, path) == {"latencies": []}


def test_trigger_by_latency(http: httpx.Client) -> None:
    assert http.get("/breaker/trigger-by-latency").status_code == 405
    assert post(http, "/breaker/trigger-by-latency")["triggered"]
    assert call(http) == [503]
    status = get(http, "/breaker/status")
    assert (status["drill"], status["reason"]) == (True, "latency")


def test_trigger_by_memory_and_restore(http: httpx.Client) -> None:
    assert http.get("/breaker/trigger-by-memory").status_code == 405
    assert post(http, "/breaker/trigger-by-memory")["triggered"]
    status = get(http, "/breaker/status")
    assert (status["drill"], status["reason"], status["memory_ok"]) == (True, "memory", False)
    assert http.get("/breaker/restore-memory-check").status_code == 405
    post(http, "/breaker/restore-memory-check")
    assert get(http, "/breaker/status")["memory_ok"] is True


def test_other_breakers_have_the_same_table(http: httpx.Client, config: Path) -> None:
    assert get(http, "/breakers/payments/latency") == {"latency": 100}
    post(http, "/breakers/payments/latency", {"threshold": 150})
    assert "latency_threshold = 150  # they are in a hurry" in config.read_text()
    assert get(http, "/breaker/latency") == {"latency": 300}
    post(http, "/breakers/payments/force-open", {"reason": "not today"})
    listed = {each["name"]: each["state"] for each in get(http, "/breakers")["breakers"]}
    assert listed == {"default": "CLOSED", "payments": "FORCED_OPEN"}
    unknown = http.get("/breakers/nope/status")
    assert unknown.status_code == 404
    assert unknown.json()["known"] == ["default", "payments"]


def test_trip_force_open_observe(http: httpx.Client) -> None:
    assert post(http, "/breaker/trip", {"reason": "incident 42"})["state"] == "OPEN"
    rejected = http.get("/test")
    assert rejected.status_code == 503
    assert int(rejected.headers["retry-after"]) >= 1
    assert get(http, "/breaker/status")["note"] == "incident 42"
    assert post(http, "/breaker/force-open")["state"] == "FORCED_OPEN"
    assert post(http, "/breaker/observe")["state"] == "OBSERVE"
    assert call(http) == [200]


def test_config(http: httpx.Client, config: Path) -> None:
    assert get(http, "/breaker/config")["recovery"]["probes"] == 3
    changed = http.patch("/breaker/config", json={"recovery": {"probes": 2}, "wait_time": 2})
    assert changed.status_code == 200
    assert (changed.json()["recovery"]["probes"], changed.json()["wait_time"]) == (2, 2.0)
    assert "probes = 2" in config.read_text()
    wrong = http.patch("/breaker/config", json={"wait_tme": 2})
    assert wrong.status_code == 400


def test_a_file_that_cannot_be_written(http: httpx.Client, config: Path) -> None:
    config.chmod(0o444)
    before = config.read_text()
    answer = http.post("/breaker/latency", json={"threshold": 250})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["in_force"] is True
    assert get(http, "/breaker/latency") == {"latency": 250}
    assert config.read_text() == before


def test_its_own_write_is_no_reload_and_keeps_the_mode(http: httpx.Client, config: Path) -> None:
    config.chmod(0o640)
    before = get(http, "/breaker/status")["generation"]
    post(http, "/breaker/trip")
    post(http, "/breaker/latency", {"threshold": 250})
    status = get(http, "/breaker/status")
    assert (status["state"], status["generation"]) == ("OPEN", before + 1)
    assert config.stat().st_mode & 0o777 == 0o640
    assert config.read_text().startswith("# who owns this file\n")


def test_audit(http: httpx.Client) -> None:
    post(http, "/breaker/latency", {"threshold": 250})
    (entry,) = get(http, "/audit?limit=1")["entries"]
    assert (entry["action"], entry["breaker"]) == ("change settings", "default")
    assert entry["before"] == {"latency_threshold": 300.0}
    assert entry["after"] == {"latency_threshold": 250.0}


def test_events(http: httpx.Client) -> None:
    with http.stream("GET", "/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == ": listening"
        with httpx.Client(base_url=http.base_url, headers=http.headers) as another:
            post(another, "/breaker/trip")
        data = next(line for line in lines if line.startswith("data: "))
    assert '"to_state": "OPEN"' in data


def test_health_and_metrics(http: httpx.Client) -> None:
    assert get(http, "/healthz") == {"status": "ok"}
    assert get(http, "/readyz")["ready"] is True
    metrics = http.get("/metrics")
    assert 'breaker_state{breaker="default",state="CLOSED"} 1.0' in metrics.text


def test_errors_are_problem_documents(http: httpx.Client) -> None:
    for answer in (
        http.get("/nope"),
        http.delete("/breaker/status"),
        http.post("/breaker/latency", json={"threshold": 1}),
        http.post("/breaker/latency", content=b"{", headers={"content-type": "application/json"}),
    ):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json().keys() >= {"type", "title", "status", "detail", "instance"}
        assert answer.json()["status"] == answer.status_code


def test_changes_made_at_once_are_all_kept(http: httpx.Client, config: Path) -> None:
    def change(number: int) -> int:
        if number % 2:
            body = {"threshold": 400 + number}
            return http.post("/breakers/payments/latency", json=body).status_code
        return http.post("/breaker/wait", json={"wait_time": 1 + number}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(change, range(40))) == {200}
    written = tomllib.loads(config.read_text())
    assert written["wait_time"] == get(http, "/breaker/wait")["wait"]
    payments = written["breakers"]["payments"]["latency_threshold"]
    assert payments == get(http, "/breakers/payments/latency")["latency"]
    assert config.read_text().count("#") == 4
