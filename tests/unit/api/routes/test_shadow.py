"""Routes of a candidate: compare, drop, promote now or later, take back; each change audited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from breakerd import Alerting, Breaker, Registry
from breakerd.api.app import create_app
from breakerd.api.security.promotion_audit import PromotionAudit
from breakerd.breaker.promotion.keeper import Keeper
from breakerd.breaker.testing import ManualClock, simulate_call
from tests.support.admin_client import Client
from tests.support.polling import until

CANDIDATE = """
[breakers.payments.candidate]
latency_threshold = 50
minimum_calls = 4
"""
PATH = "/breakers/payments"


@pytest.fixture
def file(file: Path) -> Path:
    file.write_text(file.read_text() + CANDIDATE)
    return file


@pytest.fixture
def keeper(registry: Registry, file: Path) -> Iterator[Keeper]:
    keeper = Keeper(registry, file.with_name("shadow.db"))
    keeper.start()
    until(lambda: keeper._store is not None)
    yield keeper
    keeper.close()


@pytest.fixture
def kept(registry: Registry, alerting: Alerting, keeper: Keeper) -> Client:
    """A client of a process that keeps promises."""
    app = create_app(registry, alerting)
    app.state.admin.keeper = keeper
    keeper.on_settled = PromotionAudit(app.state.admin.audit).record
    return Client(app)


@pytest.fixture
def breaker(registry: Registry) -> Breaker:
    return registry.get("payments")


def calls(breaker: Breaker, clock: ManualClock, milliseconds: float, count: int) -> None:
    for _ in range(count):
        simulate_call(breaker, clock, milliseconds)


def newest(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/audit").json()["entries"][0]
    return found


def test_a_comparison_is_told(client: Client, breaker: Breaker, clock: ManualClock) -> None:
    calls(breaker, clock, 10, 4)
    calls(breaker, clock, 80, 6)
    answer = client.get(f"{PATH}/shadow")
    assert answer.status_code == 200
    told = answer.json()
    assert told["differences"] == {
        "latency_threshold": {"active": 100.0, "candidate": 50.0},
        "minimum_calls": {"active": 5, "candidate": 4},
    }
    assert told["state"] in {"OPEN", "HALF_OPEN"}
    assert told["scope"] == "process"
    assert told["compared_calls"] == 10
    assert told["candidate"]["trips"] == 1
    assert told["active"] == {"trips": 0, "detected_after_seconds": None}
    assert told["would_reject"] == told["false_rejections"] > 0
    assert "1 trip instead of 0" in told["summary"]
    assert client.get(f"{PATH}/status").json()["shadow"]["digest"] == told["digest"]


def test_without_a_candidate_there_is_nothing_to_tell(client: Client) -> None:
    answer = client.get("/breaker/shadow")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:breakerd:problem:no-candidate"
    assert client.post("/breaker/shadow/drop").status_code == 404
    answer = client.post("/breaker/promote")
    assert answer.status_code == 409
    assert "has no candidate: set one in the file, in [candidate]" in answer.json()["detail"]


def test_a_candidate_is_dropped(client: Client, file: Path) -> None:
    answer = client.post(f"{PATH}/shadow/drop")
    assert answer.json()["message"] == "Candidate dropped"
    assert "[breakers.payments.candidate]" not in file.read_text()
    assert "# who owns this" in file.read_text()
    assert newest(client)["action"] == "drop candidate"


def test_a_candidate_is_promoted_now(client: Client, breaker: Breaker, file: Path) -> None:
    answer = client.post(f"{PATH}/promote").json()
    assert answer["promoted"] is True
    assert answer["settings"] == {"latency_threshold": 50, "minimum_calls": 4}
    assert answer["summary"].startswith("No call was compared")
    assert breaker.settings.latency_threshold == 50
    assert breaker.settings.candidate is None
    assert "[breakers.payments.candidate]" not in file.read_text()
    entry = newest(client)
    assert (entry["action"], entry["outcome"]) == ("promote candidate", "done")
    assert entry["before"]["latency_threshold"] == 100
    assert entry["after"]["latency_threshold"] == 50
    assert entry["after"]["candidate"] is None
    assert entry["detail"] == "promote candidate of payments"


def test_a_condition_that_is_not_true_changes_nothing(client: Client, file: Path) -> None:
    before = file.read_text()
    answer = client.post(f"{PATH}/promote", json={"condition": "calls > 5"})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "not promoted: calls > 5 is not true: calls is 0"
    answer = client.post(f"{PATH}/promote", json={"condition": "call > 5"})
    assert answer.status_code == 400
    assert "allowed: one of false_rejections, " in answer.json()["detail"]
    answer = client.post(f"{PATH}/promote", json={"after_seconds": -1})
    assert answer.status_code == 400
    assert file.read_text() == before


def test_a_process_without_a_keeper_promises_nothing(client: Client) -> None:
    answer = client.post(f"{PATH}/promote", json={"after_seconds": 60})
    assert answer.status_code == 409
    assert "keeps no promises" in answer.json()["detail"]
    assert client.post(f"{PATH}/promote/cancel").status_code == 409


def test_a_promise_is_shown_and_taken_back(kept: Client, file: Path) -> None:
    before = file.read_text()
    body = {"after_seconds": 3600, "condition": "false_rejections < 0.1%"}
    answer = kept.post(f"{PATH}/promote", json=body).json()
    assert (answer["message"], answer["promoted"]) == ("Promotion promised", False)
    assert answer["promise"]["due_in_seconds"] == 3600
    entry = newest(kept)
    assert entry["action"] == "promise to promote"
    assert entry["after"]["promise"]["condition"] == "false_rejections < 0.1%"
    told = kept.get(f"{PATH}/shadow").json()
    assert told["promise"]["due"] == answer["promise"]["due"]
    assert told["scope"] == "host"
    metrics = kept.get("/metrics").text
    assert 'breaker_shadow_promotion_due_timestamp_seconds{breaker="payments"}' in metrics
    assert 'breaker_shadow_trips_total{breaker="payments",side="candidate"} 0.0' in metrics
    assert kept.post(f"{PATH}/promote/cancel").json() == {
        "message": "Promise taken back; the candidate stays"
    }
    assert newest(kept)["action"] == "take back promise to promote"
    assert kept.get(f"{PATH}/shadow").json()["promise"] is None
    assert file.read_text() == before


def settled(client: Client) -> list[dict[str, Any]]:
    entries = client.get("/audit").json()["entries"]
    return [each for each in entries if each["right"] == "promise"]


def test_a_promise_that_is_kept_or_void_is_audited(kept: Client, keeper: Keeper) -> None:
    kept.post(f"{PATH}/promote", json={"after_seconds": 0.001, "condition": "calls > 1"})
    keeper.look()
    until(lambda: settled(kept))
    (entry,) = settled(kept)
    assert (entry["action"], entry["outcome"]) == ("keep promise to promote", "refused")
    assert "calls > 1 is not true" in entry["detail"]
    kept.post(f"{PATH}/promote", json={"after_seconds": 0.001})
    keeper.look()
    until(lambda: len(settled(kept)) == 2)
    newer, _ = settled(kept)
    assert (newer["outcome"], newer["after"]) == (
        "done",
        {"latency_threshold": 50, "minimum_calls": 4},
    )


def test_without_a_candidate_no_metric_is_told(unfiled: Registry) -> None:
    client = Client(create_app(unfiled))
    assert "breaker_shadow" not in client.get("/metrics").text
