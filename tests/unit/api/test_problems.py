from __future__ import annotations

import pytest

from breakerd import Breaker
from breakerd.api.problems import to_problem
from tests.support.admin_client import Client

JSON = {"content-type": "application/json"}


def test_paths_that_there_are_not(client: Client) -> None:
    for path in ("/nope", "/breaker", "/breaker/status/", "/dashboard/../secret"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "Not Found",
            "instance": answer.request.url.path,
            "error": "Not Found",
        }


@pytest.mark.parametrize("content", [b"{no json", b"", b"threshold=5", b"\xff\xfe", b"[" * 20000])
def test_bodies_that_are_no_json(client: Client, content: bytes) -> None:
    answer = client.post("/breaker/latency", content=content, headers=JSON)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


FORM = "application/x-www-form-urlencoded"


def test_json_is_read_whatever_a_program_declares(client: Client) -> None:
    for number, declared in enumerate([FORM, "text/plain", "multipart/form-data", "?", None], 800):
        headers = {"content-type": declared} if declared else {}
        content = f'{{"threshold": {number}}}'.encode()
        answer = client.post("/breaker/latency", content=content, headers=headers)
        assert (answer.status_code, answer.json()["latency"]) == (200, number)


def test_a_form_is_no_json(client: Client) -> None:
    answer = client.post("/breaker/latency", data={"threshold": "800"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("The body is not JSON")


@pytest.mark.parametrize("sign", [{"origin": "http://127.0.0.1:8080"}, {"sec-fetch-site": "none"}])
@pytest.mark.parametrize("declared", [FORM, "text/plain", None])
def test_a_browser_must_declare_json(
    client: Client, sign: dict[str, str], declared: str | None
) -> None:
    content = b'{"threshold": 800}'
    headers = sign | ({"content-type": declared} if declared else {})
    answer = client.post("/breaker/latency", content=content, headers=headers)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]
    assert client.get("/breaker/latency").json() == {"latency": 300}
    answer = client.post("/breaker/latency", content=content, headers=sign | JSON)
    assert answer.status_code == 200
    assert client.post("/breaker/reset", headers=sign).status_code == 200, "it has no body"


def test_a_body_that_is_too_large_is_not_read(client: Client) -> None:
    answer = client.post("/breaker/latency", content=b"x" * 70_000, headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_problem_says_what_was_found_and_what_is_allowed(client: Client) -> None:
    problem = client.post("/breaker/latency", json={"threshold": 1}).json()
    assert problem["instance"] == "/breaker/latency"
    (error,) = problem["errors"]
    assert (error["where"], error["key"], error["found"]) == ("request", "threshold", "1")
    assert "5" in error["allowed"]
    assert error["allowed"] == "a number ≥ 5, ≤ 86400000 (ms)"
    missing = client.post("/breaker/latency", json={}).json()
    assert missing["errors"][0]["found"] == "nothing"
    no_body = client.post("/breaker/latency").json()
    assert no_body["errors"][0]["key"] == "body"
    assert no_body["errors"][0]["allowed"] == 'a JSON object with "threshold"'


REFUSED = [
    ("POST", "/breaker/latency", {"treshold": 9}, "did you mean 'threshold'?"),
    ("POST", "/breaker/reset", {"confirm": False}, "confirm: found false; allowed: true"),
    ("POST", "/breaker/opsgenie/priority", {"priority": "P9"}, 'allowed: one of "P1", "P2"'),
    ("POST", "/test/delay", {"delay": "1d"}, 'delay: found "1d"; allowed: a duration up to'),
    ("POST", "/silences", {"starts_at": "noon"}, "allowed: a time with its zone"),
    ("POST", "/silences", {"kind": "latncy"}, 'kind: found "latncy"; allowed: one of "*"'),
    (
        "POST",
        "/silences",
        {"matchers": ["kind=latncy"], "author": "a", "reason": "b", "seconds": 5},
        "; allowed: kind with a pattern of open, memory, latency, degraded, not",
    ),
    ("GET", "/alerts?limit=0", None, 'limit: found "0"; allowed: a whole number ≥ 1, ≤ 1000'),
    ("GET", "/alerts?state=x", None, 'state: found "x"; allowed: one of "active",'),
    ("DELETE", "/silences", None, "id: found nothing; allowed: text"),
]


def test_every_route_speaks_as_the_check_of_a_file(client: Client) -> None:
    for method, path, body, detail in REFUSED:
        answer = client.request(method, path, json=body)
        ours = path.startswith(("/silences", "/alerts"))
        assert answer.status_code == (422 if ours else 400)
        assert detail in answer.json()["detail"]
        assert answer.json()["error"] == answer.json()["detail"]


def test_a_fault_of_ours_gives_nothing_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Breaker) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(Breaker, "status", fail)
    answer = client.get("/breaker/status")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text
    assert to_problem(RuntimeError("x")).status == 500
