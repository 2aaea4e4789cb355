"""Documented calls of go-breaker, answered with the keys and types of its example server.

The statuses, keys and types were recorded from a server that was built from go-breaker's source.
The drills by GET differ on purpose: a GET must not change anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from breakerd import Alerting, Registry
from breakerd.api.app import create_app
from breakerd.api.security.auth import Access
from tests.support.admin_client import Client

JSON = "application/json"
CURL = "application/x-www-form-urlencoded"
"""Content type that `curl -d` declares."""

Keys = dict[str, tuple[type, ...]]

TEXT = (str,)
NUMBER = (int, float)
FLAG = (bool,)
LIST = (list,)
TABLE = (dict,)
MESSAGE: Keys = {"message": TEXT}


def keys(kind: tuple[type, ...], names: str) -> Keys:
    return dict.fromkeys(names.split(), kind)


class Call(NamedTuple):
    """A call, and what go-breaker answers."""

    method: str
    path: str
    keys: Keys
    body: str | None = None
    content_type: str | None = None
    status: int = 200

    def __str__(self) -> str:
        return " ".join(filter(None, [self.method, self.path, self.body, self.content_type]))


STATUS = (
    keys(FLAG, "enabled triggered memory_ok latency_ok trend_analysis_enabled has_positive_trend")
    | keys(
        NUMBER,
        "current_memory_usage_mb memory_threshold_percent total_memory_mb memory_usage_percent "
        "current_percentile_ms latency_threshold_ms latency_percent_of_threshold percentile_value "
        "latency_window_size wait_time_seconds trend_analysis_min_sample_count",
    )
    | {"last_trip_time": (str, type(None)), "recent_latencies_ms": (list, type(None))}
)
OPSGENIE = (
    keys(
        FLAG,
        "enabled trigger_on_breaker_open trigger_on_breaker_reset trigger_on_memory_threshold "
        "trigger_on_latency_threshold include_latency_metrics include_memory_metrics "
        "include_system_info use_environments initialized",
    )
    | keys(TEXT, "region priority source team")
    | keys(NUMBER, "alert_cooldown_seconds")
    | keys(LIST, "tags")
)
READ = [
    ("status", STATUS),
    ("enabled", keys(FLAG, "enabled")),
    ("memory", keys(NUMBER, "memory")),
    ("latency", keys(NUMBER, "latency")),
    ("latency-window-size", keys(NUMBER, "latency")),
    ("percentile", keys(NUMBER, "percentile")),
    ("wait", keys(NUMBER, "wait")),
    ("memory-usage", keys(NUMBER, "memory_usage")),
    ("memory-limit", keys(NUMBER, "memory_limit")),
    ("trend-analysis", keys(FLAG, "trend_analysis")),
    ("staged-alerts", keys(FLAG, "enabled")),
    ("opsgenie/status", OPSGENIE),
]
CHANGED = [
    ("memory", '{"threshold": 85}', {}),
    ("latency", '{"threshold": 800}', {}),
    ("latency-window-size", '{"size": 128}', {}),
    ("percentile", '{"percentile": 95}', {}),
    ("wait", '{"wait_time": 5}', {}),
    ("trend-analysis", '{"enabled": true}', {}),
    ("reset", '{"confirm": true}', {}),
    ("opsgenie/toggle", '{"enabled": true}', keys(FLAG, "enabled")),
    ("opsgenie/priority", '{"priority": "P2"}', keys(TEXT, "priority")),
    (
        "opsgenie/triggers",
        '{"trigger_on_breaker_open": true}',
        keys(FLAG, "trigger_on_breaker_open"),
    ),
    ("opsgenie/tags", '{"tags": ["a:b"]}', keys(LIST, "tags")),
    ("opsgenie/cooldown", '{"cooldown_seconds": 120}', keys(NUMBER, "cooldown_seconds")),
]
REFUSED = [
    ("memory", '{"threshold": 100}'),
    ("latency", '{"threshold": 4}'),
    ("reset", '{"confirm": false}'),
    ("opsgenie/priority", '{"priority": "P9"}'),
]
SCENARIO = keys(TEXT, "status scenario description message")
DELAY = keys(TEXT, "status message") | keys(NUMBER, "delay_ms")
TEST = (
    keys(TEXT, "status timestamp")
    | keys(NUMBER, "configured_delay_ms actual_latency_ms")
    | keys(TABLE, "breaker_status")
)
RESET = Call("POST", "/breaker/reset", MESSAGE, '{"confirm": true}', JSON)
LATENCY_DRILL = (
    MESSAGE
    | keys(FLAG, "triggered")
    | keys(TEXT, "reason note timestamp")
    | keys(NUMBER, "latency_used measurements_added")
)
MEMORY_DRILL = MESSAGE | keys(FLAG, "triggered") | keys(TEXT, "reason note timestamp")
MEMORY_CHECK = MESSAGE | keys(TEXT, "action note timestamp")
CALLS = [
    *[Call("GET", f"/breaker/{path}", answer) for path, answer in READ],
    *[
        call
        for declared in (JSON, CURL)
        for call in (
            *[
                Call("POST", f"/breaker/{path}", MESSAGE | more, body, declared)
                for path, body, more in CHANGED
            ],
            Call("POST", "/test/trigger", SCENARIO, '{"scenario": "reset_normal"}', declared),
            Call("POST", "/test/delay", DELAY, '{"delay": "50ms"}', declared),
        )
    ],
    Call("POST", "/breaker/disabled", MESSAGE),
    Call("POST", "/breaker/enabled", MESSAGE),
    Call("POST", "/breaker/trigger-by-latency", LATENCY_DRILL),
    RESET,
    Call("POST", "/breaker/trigger-by-memory", MEMORY_DRILL),
    Call("POST", "/breaker/restore-memory-check", MEMORY_CHECK),
    RESET,
    Call("GET", "/test", TEST),
    Call("GET", "/test/scenarios", keys(LIST, "scenarios") | keys(TEXT, "usage")),
    Call("GET", "/status", keys(TABLE, "server circuit_breaker configuration opsgenie")),
    Call("GET", "/health", keys(TABLE, "server")),
    *[Call("POST", f"/breaker/{path}", keys(TEXT, "error"), b, JSON, 400) for path, b in REFUSED],
]
"""In this order: each finds the service as the calls before have left it."""


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client without a token of the service with an empty file, open to loopback."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "breakers.toml"
    file.touch()
    with (
        Registry.from_file(file, watch=False, memory=lambda: 0.5) as registry,
        Alerting.from_file(file, registry) as alerting,
    ):
        access = Access(loopback="open")
        app = create_app(registry, alerting, access=access, demo_endpoints=True)
        yield Client(app, stranger=True)


def ask(client: Client, call: Call) -> httpx.Response:
    headers = {"content-type": call.content_type} if call.content_type else {}
    content = call.body.encode() if call.body else None
    return client.request(call.method, call.path, content=content, headers=headers)


def differences(call: Call, answer: httpx.Response) -> list[str]:
    """Differences from go-breaker's answer; a bool is no number."""
    if answer.status_code != call.status:
        return [f"status {answer.status_code}, not {call.status}: {answer.text}"]
    found: dict[str, Any] = answer.json()
    return [
        f"{name} is {found.get(name, 'missing')!r}"
        for name, kinds in call.keys.items()
        if type(found.get(name, ...)) not in kinds
    ]


def test_every_documented_call_is_answered_as_by_go_breaker(client: Client) -> None:
    assert len(CALLS) == 55
    wrong = {str(call): differences(call, ask(client, call)) for call in CALLS}
    assert {call: why for call, why in wrong.items() if why} == {}


@pytest.mark.parametrize("drill", ["trigger-by-latency", "trigger-by-memory"])
def test_a_drill_by_get_is_refused_in_words(client: Client, drill: str) -> None:
    answer = client.get(f"/breaker/{drill}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert f"POST /breaker/{drill}" in answer.json()["error"]
    assert client.get("/breaker/status").json()["triggered"] is False


def test_what_a_client_sets_is_in_force_and_in_the_file(client: Client, tmp_path: Path) -> None:
    for call in CALLS:
        ask(client, call)
    assert client.get("/status").json()["configuration"] == {
        "memory_threshold": 85,
        "latency_threshold": 800,
        "latency_window_size": 128,
        "percentile": 0.95,
        "wait_time": 5,
    }
    text = (tmp_path / "breakers.toml").read_text()
    for line in ("latency_threshold = 800", "percentile = 0.95", 'priority = "P2"'):
        assert line in text
