from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from breakerd import Alerting, Breaker, LoadReading, Registry, Settings, Status, admin_router
from breakerd.api.app import create_app
from breakerd.api.http.metrics import BreakerCollector
from breakerd.breaker.testing import ManualClock, simulate_call
from tests.support.admin_client import Client

NAMES = {
    "breaker_state",
    "breaker_calls",
    "breaker_call_duration_seconds",
    "breaker_transitions",
    "breaker_memory_usage_ratio",
    "breaker_concurrency_limit",
    "breaker_in_flight",
    "breaker_baseline",
    "breaker_healthy",
    "breaker_load",
    "breakerd_config_drift",
    "breakerd_config_last_reload_successful",
    "breakerd_config_reloads",
    "breakerd_config_watched",
    "breakerd_config_last_reload_success_timestamp_seconds",
    "breakerd_log_records_dropped",
    "breakerd_part_running",
    "breakerd_alerting_last_round_timestamp_seconds",
    "breakerd_alerting_stalled",
    "breakerd_alerts",
    "breakerd_alerts_pending",
    "breakerd_alerts_dead_letters",
    "breakerd_alerts_last_success_timestamp_seconds",
    "breakerd_heartbeat_last_success_timestamp_seconds",
    "breakerd_alert_oldest_pending_seconds",
}


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return samples(text).get((name, frozenset(labels.items())))


def busy(registry: Registry, clock: ManualClock) -> None:
    breaker = registry.get()
    for milliseconds in (2, 20, 200):
        simulate_call(breaker, clock, milliseconds)
    simulate_call(breaker, clock, 20, error=True)
    assert breaker.allow()
    breaker.abandon(clock())
    assert breaker.allow()
    clock.advance(1)
    breaker.tick()
    breaker.trip()
    assert not breaker.allow()


def test_metrics_have_the_names_and_values_of_the_contract(
    client: Client, registry: Registry, alerting: Alerting, clock: ManualClock
) -> None:
    busy(registry, clock)
    alerting.run_once()
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.text
    assert {family.name for family in text_string_to_metric_families(text)} == NAMES
    mine = {"breaker": "default"}
    assert value(text, "breaker_state", state="OPEN", **mine) == 1
    assert value(text, "breaker_state", state="CLOSED", **mine) == 0
    assert value(text, "breaker_state", state="CLOSED", breaker="payments") == 1
    assert value(text, "breaker_calls_total", outcome="success", **mine) == 3
    assert value(text, "breaker_calls_total", outcome="error", **mine) == 1
    assert value(text, "breaker_calls_total", outcome="abandoned", **mine) == 1
    assert value(text, "breaker_calls_total", outcome="rejected", **mine) == 1
    assert value(text, "breaker_call_duration_seconds_bucket", le="0.025", **mine) == 3
    assert value(text, "breaker_call_duration_seconds_bucket", le="+Inf", **mine) == 4
    assert value(text, "breaker_call_duration_seconds_count", **mine) == 4
    total = value(text, "breaker_call_duration_seconds_sum", **mine)
    assert total == pytest.approx(0.242)
    labels = {"from": "CLOSED", "to": "OPEN", "reason": "manual"}
    assert value(text, "breaker_transitions_total", **labels, **mine) == 1
    assert value(text, "breaker_memory_usage_ratio", **mine) == 0.5
    assert value(text, "breaker_concurrency_limit", **mine) == float("inf")
    assert value(text, "breaker_in_flight", **mine) == 1
    durations = {"quantity": "duration", "scale": "5min", "statistic": "mean"}
    assert value(text, "breaker_baseline", **durations, **mine) == 0.0605
    assert value(text, "breaker_healthy", **mine) == 1
    assert value(text, "breakerd_config_last_reload_successful") == 1
    assert value(text, "breakerd_alerts_total", receiver="log", outcome="delivered") == 1


@pytest.mark.needs("promtool")
def test_promtool_finds_nothing_to_complain_of(
    client: Client, registry: Registry, alerting: Alerting, clock: ManualClock
) -> None:
    busy(registry, clock)
    alerting.run_once()
    text = client.get("/metrics").text
    subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=True, timeout=30)


@pytest.mark.parametrize("kind", ["application/openmetrics-text", "text/plain"])
def test_a_version_that_is_no_number_gets_metrics(client: Client, kind: str) -> None:
    answer = client.get("/metrics", headers={"accept": f"{kind}; version=x"})
    assert answer.status_code == 200
    # Older prometheus-clients do not read the version.
    assert answer.headers["content-type"].split(";")[0] in {"text/plain", kind}


def test_metrics_come_in_openmetrics_where_that_is_preferred(client: Client) -> None:
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    answer = client.get("/metrics", headers=accept)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_memory_that_is_unknown_is_absent(unfiled: Registry) -> None:
    client = Client(create_app(unfiled))
    text = client.get("/metrics").text
    assert value(text, "breaker_memory_usage_ratio", breaker="default") is None
    assert value(text, "breakerd_config_last_reload_successful") == 1
    started = value(text, "breakerd_config_last_reload_success_timestamp_seconds")
    assert started is not None
    assert started > 1_600_000_000


def test_load_is_there_where_it_is_watched_and_known(clock: ManualClock) -> None:
    watched = {"load": {"cpu_pressure_threshold": 40.0, "io_pressure_threshold": 40.0}}
    breakers = {"watched": Settings.model_validate(watched)}
    with Registry(
        breakers=breakers, clock=clock, load=lambda: LoadReading(cpu_pressure=60.0)
    ) as registry:
        text = Client(create_app(registry)).get("/metrics").text
    figures = {
        dict(labels)["figure"]: value
        for (name, labels), value in samples(text).items()
        if name == "breaker_load" and dict(labels)["breaker"] == "watched"
    }
    assert figures == {"cpu_pressure": 0.6, "severity": 1.5}
    assert value(text, "breaker_load", breaker="default", figure="severity") is None


def test_a_host_registers_the_collector_in_its_own_registry(unfiled: Registry) -> None:
    collectors = CollectorRegistry()
    collectors.register(BreakerCollector(unfiled))
    assert b'breaker_state{breaker="default",state="CLOSED"} 1.0' in generate_latest(collectors)


def test_reload_puts_the_file_in_force(client: Client, registry: Registry, file: Path) -> None:
    file.write_text(file.read_text().replace("= 300", "= 444"))
    answer = client.post("/-/reload")
    assert answer.status_code == 200
    assert answer.json()["file"] == str(file)
    assert registry.get().settings.latency_threshold == 444


def test_a_reload_of_a_wrong_file_tells_every_problem_and_keeps_the_old_one(
    client: Client, registry: Registry, file: Path
) -> None:
    file.write_text("latency_threshold = -1\npercentle = 0.9\n[opsgenie]\npriority = 3\n")
    answer = client.post("/-/reload")
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert [(error["line"], error["key"]) for error in errors] == [
        (1, "latency_threshold"),
        (2, "percentle"),
        (4, "opsgenie.priority"),
    ]
    assert registry.get().settings.latency_threshold == 300
    assert client.get("/readyz").json()["checks"]["configuration"] == "failing"
    assert value(client.get("/metrics").text, "breakerd_config_last_reload_successful") == 0
    config = client.get("/breaker/status").json()["config"]
    assert config["last_reload_successful"] is False
    assert len(config["problems"]) == 3
    assert client.get("/audit").json()["entries"][0]["outcome"] == "refused"


def test_without_a_file_there_is_nothing_to_reload(unfiled: Registry) -> None:
    answer = Client(create_app(unfiled)).post("/-/reload")
    assert answer.status_code == 409


def test_health_and_readiness(app: FastAPI, client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.request("HEAD", "/healthz").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "ready": True,
        "paging": False,
        "checks": dict.fromkeys(
            ["alerting", "file", "state", "ticker", "configuration", "audit", "access"], "ok"
        ),
    }
    app.state.admin.stopping = True
    stopping = client.get("/readyz")
    assert (stopping.status_code, stopping.json()["ready"]) == (503, False)


def test_a_scrape_asks_each_breaker_for_its_status_once(
    client: Client, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    status = Breaker.status

    def counted(breaker: Breaker) -> Status:
        asked.append(breaker.name)
        return status(breaker)

    monkeypatch.setattr(Breaker, "status", counted)
    assert client.get("/metrics").status_code == 200
    assert asked == registry.names()


def test_the_same_plane_serves_a_host_of_its_own() -> None:
    with Registry(Settings(), memory=lambda: None) as registry:
        host = FastAPI()
        host.include_router(admin_router(registry), prefix="/ops")

        @host.get("/mine")
        def mine() -> str:
            return "mine"

        client = Client(host)
        assert client.get("/mine").json() == "mine"
        assert client.get("/ops/breaker/latency").json() == {"latency": 1500}
        assert client.get("/ops/healthz").status_code == 200
        wrong = client.post("/ops/breakers/default/latency", json={"threshold": 1})
        assert wrong.status_code == 400
        assert wrong.headers["content-type"] == "application/problem+json"
        stranger = Client(host, address="10.0.0.1", stranger=True)
        assert stranger.get("/ops/breaker/status").status_code == 401
        assert {*client.get("/openapi.json").json()["paths"]} == {"/mine"}
