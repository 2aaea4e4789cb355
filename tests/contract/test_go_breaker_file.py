"""A file with every key that go-breaker documents, and what its client commands do with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd import Alerting, Registry, Settings
from breakerd.alerts.settings.alerting import read_settings
from breakerd.api.app import create_app
from breakerd.api.file_settings import read_file
from breakerd.breaker.config import read_document
from tests.support.admin_client import Client

CURL = {"content-type": "application/x-www-form-urlencoded"}
"""Content type that `curl -d` declares."""

FILE = """\
memory_threshold = 80.0
latency_threshold = 1500   # ms
latency_window_size = 64
percentile = 0.95
wait_time = 10
trend_analysis_enabled = true
trend_analysis_min_sample_count = 10

[opsgenie]
enabled = false
region = "us"
priority = "P2"
source = "shop"
team = "platform"
environment = "test"
bookmaker_id = "b-17"
business = "internal"
trigger_on_breaker_open = true
trigger_on_breaker_reset = true
trigger_on_memory_threshold = true
trigger_on_latency_threshold = true
include_latency_metrics = true
include_memory_metrics = true
include_system_info = true
alert_cooldown_seconds = 300
time_before_send_alert = 60
initial_alert_priority = "P3"
escalated_alert_priority = "P1"
tags = ["Component:shop", "Team:platform"]
api_name = "Shop API"
api_version = "v2"
api_namespace = "shop"
api_description = "Sells things"
api_owner = "Shop team"
api_priority = "critical"
api_dependencies = ["database", "stock"]
api_endpoints = ["/orders", "/refunds"]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "breakers.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def client(file: Path) -> Iterator[Client]:
    with (
        Registry.from_file(file, watch=False, memory=lambda: 0.5) as registry,
        Alerting.from_file(file, registry) as alerting,
    ):
        yield Client(create_app(registry, alerting, demo_endpoints=True))


def test_every_documented_key_is_read(file: Path) -> None:
    settings = read_file(file)
    assert settings.breakers.root == Settings(trend_analysis_enabled=True)
    opsgenie = settings.alerting.opsgenie
    assert (opsgenie.time_before_send_alert, opsgenie.escalated_alert_priority) == (60, "P1")
    assert opsgenie.api_dependencies == ("database", "stock")


def test_its_variables_win_over_the_file(file: Path) -> None:
    variables = {"OPSGENIE_API_KEY": "a-key", "OPSGENIE_REGION": "EU", "Environment": "production"}
    opsgenie = read_settings(read_document(file), variables).opsgenie
    assert opsgenie.api_key is not None
    assert opsgenie.api_key.get_secret_value() == "a-key"
    assert (opsgenie.region, opsgenie.environment) == ("eu", "production")


def test_its_test_server_is_driven_by_curl(client: Client) -> None:
    scenario = client.post("/test/trigger", content='{"scenario":"high_latency"}', headers=CURL)
    assert scenario.json()["scenario"] == "high_latency"
    assert client.get("/status").json()["server"]["current_delay_ms"] == 2000
    assert client.get("/breaker/status").json()["triggered"] is False


def test_its_scripts_read_and_set_what_is_in_the_file(client: Client, file: Path) -> None:
    assert client.get("/breaker/memory").json() == {"memory": 80.0}
    for path, threshold in (("memory", 85), ("latency", 800)):
        body = f'{{"threshold": {threshold}}}'
        answer = client.post(f"/breaker/{path}", content=body, headers=CURL)
        assert answer.json()[path] == threshold
    assert client.get("/breaker/latencies-above-threshold?threshold=1000").json() == {
        "latencies": []
    }
    assert client.post("/breaker/reset").status_code == 200
    text = file.read_text()
    assert "memory_threshold = 85" in text
    assert "latency_threshold = 800   # ms\n" in text
    stages = client.get("/breaker/staged-alerts").json()
    assert (stages["enabled"], stages["time_before_alert"]) == (True, 60)
