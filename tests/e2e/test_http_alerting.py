"""The contract's rows about alerting, over HTTP, against a server process."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.support.http_calls import get, post


def test_staged_alerts(http: httpx.Client) -> None:
    staged = get(http, "/breaker/staged-alerts")
    assert staged == {
        "enabled": True,
        "time_before_alert": 60,
        "initial_priority": "P3",
        "escalated_priority": "P2",
        "pending_alerts_count": 0,
        "pending_alerts": {},
        "opsgenie_enabled": False,
        "trigger_on_open": False,
    }


def test_opsgenie_status(http: httpx.Client) -> None:
    status = get(http, "/breaker/opsgenie/status")
    assert status.keys() >= {
        "enabled", "api_key", "region", "priority", "source", "team", "tags",
        "trigger_on_breaker_open", "trigger_on_breaker_reset", "trigger_on_memory_threshold",
        "trigger_on_latency_threshold", "include_latency_metrics", "include_memory_metrics",
        "include_system_info", "alert_cooldown_seconds", "use_environments", "initialized",
    }  # fmt: skip
    assert (status["team"], status["paging"]) == ("platform", False)
    assert status["problems"] == ["nobody is being paged: [opsgenie] enabled is false"]


def test_opsgenie_toggle(http: httpx.Client, config: Path) -> None:
    assert post(http, "/breaker/opsgenie/toggle", {"enabled": True})["enabled"] is True
    assert get(http, "/breaker/opsgenie/status")["enabled"] is True
    assert "OPSGENIE_API_KEY" in get(http, "/breaker/opsgenie/status")["problems"][0]
    assert post(http, "/breaker/opsgenie/toggle", {"enabled": False})["enabled"] is False
    assert "enabled = false" in config.read_text()


def test_opsgenie_priority(http: httpx.Client, config: Path) -> None:
    assert post(http, "/breaker/opsgenie/priority", {"priority": "P2"})["priority"] == "P2"
    assert get(http, "/breaker/opsgenie/status")["priority"] == "P2"
    assert 'priority = "P2"' in config.read_text()
    assert http.post("/breaker/opsgenie/priority", json={"priority": "P9"}).status_code == 400


def test_opsgenie_triggers(http: httpx.Client, config: Path) -> None:
    answer = post(http, "/breaker/opsgenie/triggers", {"trigger_on_breaker_reset": False})
    assert answer["trigger_on_breaker_reset"] is False
    assert answer["trigger_on_memory_threshold"] is True
    assert get(http, "/breaker/opsgenie/status")["trigger_on_breaker_reset"] is False
    assert "trigger_on_breaker_reset = false" in config.read_text()


def test_opsgenie_tags(http: httpx.Client, config: Path) -> None:
    tags = ["Team:platform", "Tier:1"]
    assert post(http, "/breaker/opsgenie/tags", {"tags": tags})["tags"] == tags
    assert get(http, "/breaker/opsgenie/status")["tags"] == tags
    assert "Tier:1" in config.read_text()
    assert "# pages them" in config.read_text()


def test_opsgenie_cooldown(http: httpx.Client, config: Path) -> None:
    answer = post(http, "/breaker/opsgenie/cooldown", {"cooldown_seconds": 120})
    assert answer["cooldown_seconds"] == 120
    assert get(http, "/breaker/opsgenie/status")["alert_cooldown_seconds"] == 120
    assert "alert_cooldown_seconds = 120" in config.read_text()
    wrong = http.post("/breaker/opsgenie/cooldown", json={"cooldown_seconds": -1})
    assert wrong.status_code == 400


def test_alerts_and_silences(http: httpx.Client) -> None:
    assert isinstance(get(http, "/alerts")["alerts"], list)
    wanted = {"breaker": "pay*", "author": "ada", "reason": "change 17", "seconds": 60}
    made = http.post("/silences", json=wanted)
    assert made.status_code == 201
    assert [each["id"] for each in get(http, "/silences")["silences"]] == [made.json()["id"]]
    assert http.delete("/silences", params={"id": made.json()["id"]}).status_code == 204
    assert get(http, "/silences") == {"silences": [], "maintenance": []}
