"""Bodies that are JSON, and that nothing could show again."""

from __future__ import annotations

import itertools
import json

import pytest

from breakerd import Alerting, Registry
from breakerd.api.http.json_body import check_body
from breakerd.api.problems import Problem
from tests.support.admin_client import Client

DEEP = {
    "lists": '{"reason":' + "[" * 900 + "]" * 900 + "}",
    "tables": '{"slo":' + '{"a":' * 900 + "1" + "}" * 900 + "}",
    "unclosed": "[" * 30_000,
    "half as deep": '{"threshold":' + "[1.0," * 450 + "1" + "]" * 450 + "}",
}
SURROGATES = [
    r'{"reason": "\ud800"}',
    r'{"\ud800": 1}',
    r'{"\ud800.x": 1}',
    r'{"tags": ["\udfff:a"]}',
    r'{"slo": {"x": [{"y": "a\udcffb"}]}}',
]
ROUTES = [
    ("POST", "/breaker/trip"),
    ("PATCH", "/breaker/config"),
    ("POST", "/breaker/latency"),
    ("POST", "/breaker/opsgenie/tags"),
    ("POST", "/silences"),
    ("DELETE", "/silences?id=x"),
]


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_they_are_refused_on_every_route(client: Client, kind: str) -> None:
    for body, (method, path) in itertools.product([*DEEP.values(), *SURROGATES], ROUTES):
        answer = client.request(method, path, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 400, (path, body[:50])
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "allowed: " in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/breaker/latency", "/breaker/memory", "/breaker/wait"])
def test_numbers_without_end_are_refused(client: Client, path: str) -> None:
    for number, key in itertools.product(
        ["9" * 5000, "9" * 400, "1e400", "NaN", "-Infinity"], ["threshold", "wait_time"]
    ):
        answer = client.post(
            path,
            content=f'{{"{key}": {number}}}',
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in {400, 422}
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body", ["", "{}", "x", '{"a": "\\ud83d\\ude00"}', "[" * 32 + "]" * 32], ids=len
)
def test_others_pass(body: str) -> None:
    check_body(body.encode())


def test_the_limit_is_that_of_the_message() -> None:
    with pytest.raises(Problem, match="allowed: 32 levels"):
        check_body(("[" * 34 + "]" * 34).encode())


def test_reasons_given_in_the_process_can_be_shown(
    client: Client, registry: Registry, alerting: Alerting
) -> None:
    registry.get("payments").trip("a\ud800b\x1b")
    alerting.add_silence(author="a\ud800", reason="r\udfff", seconds=60)
    alerting.run_once()
    for path in ("/breakers/payments/status", "/alerts", "/silences", "/breakers"):
        assert client.get(path).status_code == 200
    status = client.get("/breakers/payments/status")
    assert status.json()["note"] == "a\\ud800b\x1b", "the true text, as far as it is text"
    assert r"\u001b" in status.text
    (silence,) = json.loads(client.get("/silences").text)["silences"]
    assert (silence["author"], silence["reason"]) == (r"a\ud800", r"r\udfff")
