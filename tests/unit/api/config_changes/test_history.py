"""What was in force is listed, compared and put in force again."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import Registry
from breakerd.api.app import app_of
from breakerd.api.config_changes.drift import drift_of
from breakerd.api.http.admin import AdminContext
from breakerd.breaker.config_log import ConfigLog
from tests.support.admin_client import Client


def roll_back(client: Client, number: int, **more: object) -> dict[str, object]:
    answer = client.post("/config/rollback", json={"to": number}, **more)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_each_change_is_listed_with_author_and_reason(client: Client) -> None:
    own = {"X-Breakerd-User": "alice", "X-Breakerd-Client": "breakerd command line"}
    client.patch("/breaker/config?reason=slow+disk", json={"wait_time": 7}, headers=own)
    client.post("/breaker/latency", json={"threshold": 400})
    answer = client.get("/config/history").json()
    assert answer["problem"] is None
    assert [
        (each["number"], each["way"], each["by"], each["reason"]) for each in answer["configs"]
    ] == [
        (3, "http", "127.0.0.1", ""),
        (2, "command line", "alice", "slow disk"),
        (1, "start", "", ""),
    ]
    assert answer["configs"][0]["changes"] == [
        {"key": "latency_threshold", "before": 300, "after": 400, "secret": False}
    ]
    assert client.get("/config/history?limit=1&before=3").json()["configs"][0]["number"] == 2
    details = client.get("/config/history/2").json()
    assert (details["number"], details["values"]["wait_time"]) == (2, 7)


def test_only_those_of_one_breaker_are_listed(client: Client) -> None:
    client.patch("/config", json={"breakers.payments.wait_time": 7})
    client.patch("/config", json={"opsgenie.team": "ops"})
    client.patch("/config", json={"wait_time": 8})
    for name, numbers in (("payments", [4, 2]), ("default", [4])):
        listed = client.get(f"/config/history?breaker={name}").json()["configs"]
        assert [each["number"] for each in listed] == numbers


def test_two_are_compared(client: Client) -> None:
    client.patch("/config", json={"wait_time": 7})
    client.patch("/config", json={"wait_time": None, "opsgenie.team": "ops"})
    newest = client.get("/config/diff").json()
    assert (newest["from"], newest["to"]) == (2, 3)
    assert [each["key"] for each in newest["changes"]] == ["opsgenie.team", "wait_time"]
    both = client.get("/config/diff?from=1&to=3").json()
    assert [each["key"] for each in both["changes"]] == ["opsgenie.team"]
    for query in ("from=0", "from=99999999999999999999", "to=1"):
        assert client.get(f"/config/diff?{query}").status_code == 404
    missing = client.get("/config/diff?from=9")
    assert (missing.status_code, missing.json()["type"]) == (
        404,
        "urn:breakerd:problem:unknown-config",
    )
    assert "the newest is 3" in missing.json()["detail"]


def test_a_rollback_is_a_change_like_any_other(
    client: Client, file: Path, registry: Registry
) -> None:
    before = file.read_text()
    client.patch(
        "/config", json={"wait_time": 7, "breakers.new.wait_time": 9, "limiter": {"enabled": True}}
    )
    client.patch("/config?persist=0", json={"latency_threshold": 400})
    would = client.post("/config/rollback?dry_run=1", json={"to": 1}).json()
    keys = ["breakers.new.wait_time", "latency_threshold", "limiter.enabled", "wait_time"]
    assert [each["key"] for each in would["changes"]] == keys
    assert would["ends_temporary"] == ["latency_threshold"]
    assert file.read_text() != before
    done = roll_back(client, 1, headers={"X-Reason": "too slow"})
    assert done["message"] == "Rolled back to 1: 4 keys changed"
    assert file.read_text().rstrip() == before.rstrip()
    assert registry.get().settings.wait_time == 10
    newest = client.get("/config/history").json()["configs"][0]
    assert (newest["number"], newest["reason"], newest["temporary"]) == (4, "too slow", [])
    audit = client.get("/audit").json()["entries"][0]
    assert (audit["action"], audit["detail"], audit["before"]["wait_time"]) == (
        "roll back",
        "too slow",
        7,
    )
    assert audit["after"]["wait_time"] is None
    again = roll_back(client, 1)
    assert again["message"] == "The configuration is as in 1 already"
    assert roll_back(client, 2)["number"] == 5
    assert client.get("/config/history/5").json()["reason"] == "rollback to 2"


def test_secrets_and_what_the_file_alone_decides_stay(
    client: Client, file: Path, registry: Registry, log: ConfigLog
) -> None:
    plain = file.read_text()
    assert registry.config is not None
    keyed = plain.replace('team = "platform"', 'team = "core"\napi_key = "hidden"')
    file.write_text(f"{keyed}[alerts.receivers.slack.main]\nurl = 'https://hidden'\n")
    assert registry.config.reload()
    assert [row.number for row in log.rows()] == [2, 1]
    done = roll_back(client, 1)
    assert {each["key"] for each in done["kept"]} == {  # type: ignore[attr-defined]  # a list
        "opsgenie.api_key",
        "alerts.receivers.slack.main.url",
    }
    assert 'api_key = "hidden"' in file.read_text()
    assert 'team = "platform"' in file.read_text()
    file.write_text(plain)
    assert registry.config.reload()
    assert [row.number for row in log.rows(1)] == [4]
    back = roll_back(client, 2)
    reasons = {each["key"]: each["reason"] for each in back["kept"]}  # type: ignore[attr-defined]  # a list
    assert "set it in the file" in reasons["opsgenie.api_key"]
    assert "hidden" not in str(back)
    assert "slack" not in file.read_text()


def test_a_rollback_is_refused_if_somebody_was_faster(client: Client, file: Path) -> None:
    seen = client.get("/config").headers["ETag"]
    client.patch("/config", json={"opsgenie.team": "ops"})
    text = file.read_text()
    late = client.post("/config/rollback", json={"to": 1}, headers={"If-Match": seen})
    assert late.status_code == 412
    assert file.read_text() == text
    assert client.post("/config/rollback", json={"to": 0}).status_code == 422
    assert client.post("/config/rollback", json={"to": 99}).status_code == 404


def test_drift_names_variables_and_masks_their_secrets(
    admin: AdminContext,
) -> None:
    environ = {"OPSGENIE_REGION": "eu", "OPSGENIE_API_KEY": "hidden", "BREAKERD_FLEET_ROLE": "web"}
    found = drift_of(admin, environ)
    assert [(".".join(each.key), each.in_force, each.in_file) for each in found] == [
        ("fleet.role", "web", None),
        ("opsgenie.api_key", "********", None),
        ("opsgenie.region", "eu", None),
    ]
    assert {each.cause for each in found} == {"environment"}
    assert "OPSGENIE_REGION" in found[2].text


def test_the_metric_counts_keys_by_cause(client: Client) -> None:
    client.patch("/breaker/config?persist=0", json={"wait_time": 7, "percentile": 0.5})
    text = client.get("/metrics").text
    assert 'breakerd_config_drift{cause="temporary"} 2.0' in text
    assert 'breakerd_config_drift{cause="refused"} 0.0' in text


@pytest.mark.parametrize("path", ["/config/history", "/config/drift", "/config/history/1"])
def test_a_stranger_sees_none_of_it(admin: AdminContext, path: str) -> None:
    assert Client(app_of(admin), stranger=True).get(path).status_code == 401
