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
        }


@pytest.mark.parametrize("content", [b"{no json", b"", b"threshold=5", b"\xff\xfe", b"[" * 20000])
def test_bodies_that_are_no_json(client: Client, content: bytes) -> None:
    answer = client.post("/breaker/latency", content=content, headers=JSON)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_form_is_no_json(client: Client) -> None:
    answer = client.post("/breaker/latency", data={"threshold": "800"})
    assert answer.status_code == 422


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
    missing = client.post("/breaker/latency", json={}).json()
    assert missing["errors"][0]["found"] == "nothing"
    no_body = client.post("/breaker/latency").json()
    assert no_body["errors"][0]["key"] == "body"


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
