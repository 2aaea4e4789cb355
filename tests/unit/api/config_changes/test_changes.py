"""Changes may be tried, refused if somebody was faster, and kept for a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breakerd import Registry
from breakerd.api.app import create_app
from breakerd.api.http.admin import AdminContext
from breakerd.breaker.config_log import ConfigLog
from tests.support.admin_client import Client


def test_a_dry_run_tells_what_would_change_and_changes_nothing(
    client: Client, file: Path, registry: Registry
) -> None:
    before = file.read_text()
    answer = client.patch("/breaker/config?dry_run=1", json={"wait_time": 7})
    last_day = answer.json().pop("last_day")
    assert last_day["breakers"] == {}
    assert last_day["problem"]
    assert {**answer.json(), "last_day": None} == {
        "last_day": None,
        "dry_run": True,
        "persist": True,
        "changes": [{"key": "wait_time", "before": None, "after": 7, "secret": False}],
        "breakers": {
            name: {"new": False, "settings": {"wait_time": {"before": 10.0, "after": 7.0}}}
            for name in ("default", "payments")
        },
        "needs_restart": [],
        "ends_temporary": [],
    }
    assert file.read_text() == before
    assert registry.get().settings.wait_time == 10


def test_a_dry_run_of_a_wrong_value_is_refused_as_the_change_would_be(client: Client) -> None:
    for query in ("", "?dry_run=1", "?dry_run=1&persist=0", "?persist=0"):
        answer = client.patch(f"/breaker/config{query}", json={"wait_time": -1})
        assert (answer.status_code, answer.json()["errors"][0]["key"]) == (400, "wait_time")
        answer = client.patch(f"/config{query}", json={"api.port": 1, "nonsense": 2})
        assert answer.status_code == 422
        assert {each["key"] for each in answer.json()["errors"]} == {"api.port", "nonsense"}


def test_a_temporary_value_is_in_force_and_not_in_the_file(
    client: Client, file: Path, registry: Registry, log: ConfigLog
) -> None:
    before = file.read_text()
    query = "?persist=false&reason=tonight"
    answer = client.patch(f"/breaker/config{query}", json={"wait_time": 7})
    assert (answer.status_code, answer.json()["wait_time"]) == (200, 7.0)
    assert answer.json()["also_changes"] == ["payments"]
    assert file.read_text() == before
    newest = log.rows()[0]
    assert (newest.origin.reason, newest.temporary) == ("tonight", ("wait_time",))
    drift = client.get("/config/drift").json()["drift"]
    assert [(each["key"], each["in_force"], each["in_file"]) for each in drift] == [
        ("wait_time", 7, None)
    ]
    would = client.patch("/breaker/config?dry_run=1", json={"wait_time": 8}).json()
    assert would["ends_temporary"] == ["wait_time"]
    ended = client.patch("/breaker/config?persist=false", json={"wait_time": None})
    assert ended.json()["wait_time"] == 10.0
    assert registry.config is not None
    assert registry.config.temporary == ()


def test_sections_take_temporary_values_too(client: Client, file: Path) -> None:
    before = file.read_text()
    body = {"opsgenie.priority": "P2", "alerts.resolve_after": 60, "api.event_streams": 7}
    answer = client.patch("/config?persist=0", json=body).json()
    assert answer["opsgenie"]["priority"] == "P2"
    assert answer["alerts"]["resolve_after"] == 60
    assert file.read_text() == before
    preview = client.patch("/config?persist=0&dry_run=1", json={"alerts.resolve_after": 90}).json()
    assert preview["changes"][0]["after"] == 90
    audit = client.get("/audit").json()["entries"][0]
    assert audit["action"] == "change configuration temporarily"


def test_without_a_log_a_temporary_value_is_of_this_process(
    client: Client, admin: AdminContext
) -> None:
    admin.config_log = None
    answer = client.patch("/breaker/config?persist=0", json={"wait_time": 7})
    assert answer.json()["wait_time"] == 7.0
    for path in ("/config/history", "/config/history/1", "/config/diff"):
        refused = client.get(path)
        assert (refused.status_code, refused.json()["type"]) == (
            409,
            "urn:breakerd:problem:no-config-log",
        )


def test_keys_of_the_whole_file_change_together(client: Client, file: Path) -> None:
    body = {
        "wait_time": 7,
        "breakers.payments.percentile": 0.9,
        "breakers": {"new": {"wait_time": 9}},
        "opsgenie.team": "ops",
    }
    assert client.patch("/config", json=body).status_code == 200
    text = file.read_text()
    for line in ("wait_time = 7", "percentile = 0.9", "[breakers.new]", 'team = "ops"  # pages'):
        assert line in text
    assert client.get("/breakers/new/wait").json()["wait"] == 9
    assert client.patch("/config", json={"breakers.new": None}).status_code == 200
    assert "new" not in file.read_text()


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"breakers": 1}, "breakers"),
        ({"breakers.payments": 1}, "breakers.payments"),
        ({"breakers.pay/ments.wait_time": 1}, "breakers"),
        ({"wait_tim": 1}, "wait_tim"),
        ({"fleet.hub": "none"}, "fleet.hub"),
        ({"wait_time": 7, "breakers.payments.percentile": 3}, "percentile"),
    ],
)
def test_one_wrong_key_keeps_all_out(
    client: Client, file: Path, body: dict[str, Any], key: str
) -> None:
    before = file.read_text()
    answer = client.patch("/config", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["key"]) == (422, key)
    assert file.read_text() == before


def test_who_was_slower_is_told_who_has_changed_what(client: Client) -> None:
    seen = client.get("/breaker/config").headers["ETag"]
    own = {"If-Match": seen, "X-Breakerd-User": "alice", "X-Reason": "black friday"}
    first = client.patch("/breaker/config", json={"wait_time": 7}, headers=own)
    assert first.headers["ETag"] != seen
    late = client.patch("/breaker/config", json={"wait_time": 8}, headers={"If-Match": seen})
    assert (late.status_code, late.json()["type"]) == (412, "urn:breakerd:problem:changed-since")
    assert "alice by HTTP with the made token changed wait_time at " in late.json()["detail"]
    assert "(black friday)" in late.json()["detail"]
    assert late.headers["ETag"] == first.headers["ETag"]
    assert [each["reason"] for each in late.json()["changed_since"]] == ["black friday"]
    assert client.get("/breaker/wait").json()["wait"] == 7
    again = {"If-Match": f'"x", {first.headers["ETag"]}'}
    assert client.patch("/breaker/config", json={"wait_time": 8}, headers=again).status_code == 200
    anything = {"If-Match": "*"}
    assert client.patch("/breaker/config", json={"wait_time": 9}, headers=anything).is_success


def test_a_change_of_another_breaker_keeps_nobody_out(client: Client) -> None:
    seen = client.get("/breakers/payments/config").headers["ETag"]
    client.patch("/config", json={"opsgenie.team": "ops"})
    own = {"If-Match": seen}
    assert client.patch("/breakers/payments/config", json={"wait_time": 7}, headers=own).is_success


def test_sections_have_an_etag_too(client: Client) -> None:
    seen = client.get("/config").headers["ETag"]
    assert client.patch(
        "/config", json={"opsgenie.team": "ops"}, headers={"If-Match": seen}
    ).is_success
    for query in ("", "?persist=0", "?dry_run=1"):
        late = client.patch(
            f"/config{query}", json={"opsgenie.team": "b"}, headers={"If-Match": seen}
        )
        assert late.status_code == 412


def test_without_a_file_there_is_nothing_to_try(unfiled: Registry) -> None:
    client = Client(create_app(unfiled))
    assert client.patch("/breaker/config?dry_run=1", json={"wait_time": 7}).status_code == 409
    own = {"If-Match": client.get("/breaker/config").headers["ETag"]}
    body = {"wait_time": 7}
    assert client.patch("/breaker/config?persist=0", json=body, headers=own).is_success
    assert client.patch("/breaker/config", json=body, headers=own).status_code == 412
    assert client.get("/config/drift").json() == {"drift": [], "number": None}
    assert client.patch("/config", json=body).status_code == 422
