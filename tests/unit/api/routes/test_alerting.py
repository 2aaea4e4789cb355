from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from breakerd import Alerting, Registry
from breakerd.api.app import create_app
from tests.support.admin_client import Client


@pytest.mark.parametrize(
    ("path", "body", "answer", "line"),
    [
        ("toggle", {"enabled": True}, {"enabled": True}, "enabled = true"),
        ("priority", {"priority": "P2"}, {"priority": "P2"}, 'priority = "P2"'),
        ("tags", {"tags": ["Team:platform"]}, {"tags": ["Team:platform"]}, "Team:platform"),
        (
            "cooldown",
            {"cooldown_seconds": 120},
            {"cooldown_seconds": 120},
            "alert_cooldown_seconds = 120",
        ),
        (
            "triggers",
            {"trigger_on_breaker_reset": False, "trigger_on_memory_threshold": False},
            {
                "trigger_on_breaker_open": True,
                "trigger_on_breaker_reset": False,
                "trigger_on_memory_threshold": False,
                "trigger_on_latency_threshold": True,
            },
            "trigger_on_breaker_reset = false",
        ),
    ],
)
def test_what_is_set_is_in_force_and_in_the_file(
    client: Client, file: Path, path: str, body: object, answer: dict[str, object], line: str
) -> None:
    said = client.post(f"/breaker/opsgenie/{path}", json=body)
    assert said.status_code == 200
    assert said.json() == {"message": said.json()["message"], **answer}
    status = client.get("/breaker/opsgenie/status").json()
    names = {"cooldown_seconds": "alert_cooldown_seconds"}
    assert all(status[names.get(name, name)] == value for name, value in answer.items())
    assert line in file.read_text()
    assert "# pages them" in file.read_text()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("toggle", {"enabled": "no"}),
        ("toggle", {}),
        ("priority", {"priority": "P0"}),
        ("priority", {"priority": "p1"}),
        ("tags", {"tags": "Team:platform"}),
        ("tags", {"tags": ["x" * 51]}),
        ("cooldown", {"cooldown_seconds": -1}),
        ("triggers", {"trigger_on_breaker_closed": True}),
        ("triggers", {"trigger_on_breaker_open": None}),
    ],
)
def test_what_is_wrong_changes_nothing(
    client: Client, alerting: Alerting, path: str, body: object
) -> None:
    before = alerting.settings.opsgenie
    assert client.post(f"/breaker/opsgenie/{path}", json=body).status_code == 400
    assert alerting.settings.opsgenie == before


def test_no_triggers_named_none_changed(client: Client, alerting: Alerting) -> None:
    before = alerting.settings.opsgenie
    answer = client.post("/breaker/opsgenie/triggers", json={})
    assert answer.json()["trigger_on_breaker_open"] is True
    assert alerting.settings.opsgenie == before


def test_status_never_shows_the_key(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSGENIE_API_KEY", "very-secret")
    client.post("/-/reload")
    answer = client.get("/breaker/opsgenie/status")
    assert answer.json()["api_key"] == "********"
    assert client.post("/breaker/opsgenie/toggle", json={"enabled": True}).status_code == 200
    for path in ("/breaker/opsgenie/status", "/audit", "/alerts", "/metrics", "/readyz"):
        assert "very-secret" not in client.get(path).text


def test_a_read_only_file_leaves_the_change_in_memory(
    client: Client, alerting: Alerting, file: Path
) -> None:
    file.chmod(0o444)
    answer = client.post("/breaker/opsgenie/priority", json={"priority": "P1"})
    assert answer.status_code == 409
    assert answer.json()["in_force"] is True
    assert alerting.settings.opsgenie.priority == "P1"


def test_staged_alerts_have_go_breakers_keys(client: Client) -> None:
    assert client.get("/breaker/staged-alerts").json().keys() >= {
        "enabled",
        "time_before_alert",
        "initial_priority",
        "escalated_priority",
        "pending_alerts_count",
        "pending_alerts",
        "opsgenie_enabled",
        "trigger_on_open",
    }


def test_a_trip_shows_among_the_alerts(client: Client, alerting: Alerting) -> None:
    assert client.get("/alerts").json() == {"alerts": []}
    client.post("/breakers/payments/trigger-by-latency")
    alerting.run_once()
    (alert,) = client.get("/alerts", params={"limit": 5}).json()["alerts"]
    assert (alert["breaker"], alert["drill"]) == ("payments", True)
    for wrong in (0, 1001, "many"):
        assert client.get("/alerts", params={"limit": wrong}).status_code == 422


def test_silences_come_and_go(client: Client) -> None:
    wanted = {"breaker": "pay*", "author": "ada", "reason": "change 17", "seconds": 3600}
    added = client.post("/silences", json=wanted)
    assert added.status_code == 201
    (listed,) = client.get("/silences").json()["silences"]
    assert listed["id"] == added.json()["id"]
    assert (listed["breaker"], listed["kind"], listed["author"]) == ("pay*", "*", "ada")
    assert client.delete("/silences", params={"id": listed["id"]}).status_code == 204
    assert client.get("/silences").json() == {"silences": [], "maintenance": []}
    assert [each["action"] for each in client.get("/audit").json()["entries"]] == [
        "end silence",
        "add silence",
    ]


def test_a_silence_needs_its_reasons(client: Client) -> None:
    assert client.post("/silences", json={"seconds": 5}).status_code == 422
    wanted = {"author": "ada", "reason": "x", "seconds": 0}
    assert client.post("/silences", json=wanted).status_code == 422
    unknown = client.delete("/silences", params={"id": "nope"})
    assert unknown.status_code == 404
    assert "GET /silences" in unknown.json()["detail"]
    assert client.delete("/silences").status_code == 422


def test_what_cannot_be_saved_is_a_503_and_changes_nothing(
    client: Client, alerting: Alerting
) -> None:
    wanted = {"author": "ada", "reason": "x", "seconds": 3600}
    number = client.post("/silences", json=wanted).json()["id"]
    connection = alerting._runtime.store._database._connection
    assert connection is not None
    connection.execute("PRAGMA query_only=1")
    for answer in (
        client.post("/silences", json=wanted),
        client.delete("/silences", params={"id": number}),
    ):
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:breakerd:problem:not-stored"
        assert "Nothing was changed" in answer.json()["detail"]
        assert answer.headers["Retry-After"] == "5"
    connection.execute("PRAGMA query_only=0")
    alerting.run_once()
    assert [each["id"] for each in client.get("/silences").json()["silences"]] == [number]
    assert [each["outcome"] for each in client.get("/audit").json()["entries"]] == [
        "refused",
        "refused",
        "done",
    ]


def test_the_audit_says_what_the_silence_was_and_no_other(client: Client) -> None:
    wanted = {"author": "ada", "reason": "x", "seconds": 3600, "matchers": ["kind=open"]}
    first, second = (client.post("/silences", json=wanted).json()["id"] for _ in range(2))
    client.delete("/silences", params={"id": first})
    entries = client.get("/audit").json()["entries"]
    known = {
        "matchers": ["kind=open"],
        "author": "ada",
        "reason": "x",
        "starts_at": "1970-01-12T13:46:40Z",
        "ends_at": "1970-01-12T14:46:40Z",
    }
    assert [(each["before"], each["after"]) for each in entries] == [
        ({"silences": [{"id": first, **known}]}, {"silences": []}),
        ({"silences": []}, {"silences": [{"id": second, **known}]}),
        ({"silences": []}, {"silences": [{"id": first, **known}]}),
    ]


def silenced(client: Client, **more: object) -> httpx.Response:
    return client.post("/silences", json={"author": "ada", "reason": "x", "seconds": 3600, **more})


@pytest.mark.parametrize(
    ("matcher", "hint"),
    [
        ("braeker=payments", "no alert has a label 'braeker' (did you mean 'breaker'?)"),
        ("braeker!=payments", "no alert has a label 'braeker' (did you mean 'breaker'?)"),
        ("team=core", "no alert has a label 'team' (did you mean 'Team'?)"),
        ("zone=a", "known are breaker, kind, reason, priority, drill, Environment"),
    ],
)
def test_a_label_that_no_alert_has_is_refused_unless_forced(
    client: Client, matcher: str, hint: str
) -> None:
    answer = silenced(client, matchers=[matcher])
    assert answer.status_code == 422
    assert hint in answer.json()["detail"]
    assert "with force" in answer.json()["detail"]
    assert client.get("/silences").json()["silences"] == []
    assert client.get("/audit").json()["entries"][0]["outcome"] == "refused"
    taken = silenced(client, matchers=[matcher], force=True)
    assert taken.status_code == 201
    assert hint in taken.json()["warnings"][0]
    assert "force" not in taken.json()


def test_labels_of_the_settings_and_of_the_incidents_are_known(
    client: Client, alerting: Alerting
) -> None:
    client.post("/breaker/opsgenie/tags", json={"tags": ["Zone:a"]})
    client.post("/breakers/payments/trip")
    alerting.run_once()
    client.post("/breaker/opsgenie/tags", json={"tags": ["Rack:7"]})
    answer = silenced(client, matchers=["Zone=a", "Rack!=8", "Team=plat*", "reason=latency"])
    assert answer.status_code == 201
    assert answer.json()["warnings"] == ["no alert has Rack '8'"]


@pytest.mark.parametrize(
    ("matcher", "warnings"),
    [
        ("breaker=paymnts", ["no breaker is named 'paymnts' (did you mean 'payments'?)"]),
        ("breaker=pay*|orders", ["no breaker is named 'orders'"]),
        ("breaker=x?", ["no breaker is named 'x?'"]),
        ("Team=platforn", ["no alert has Team 'platforn' (did you mean 'platform'?)"]),
        ("reason=latnecy", ["no alert has reason 'latnecy' (did you mean 'latency'?)"]),
        ("breaker=pay*", []),
        ("breaker!=[dp]*", []),
    ],
)
def test_a_value_that_nothing_has_is_taken_with_a_warning(
    client: Client, matcher: str, warnings: list[str]
) -> None:
    answer = silenced(client, matchers=[matcher])
    assert answer.status_code == 201
    assert answer.json()["warnings"] == warnings


def test_the_answer_says_what_the_silence_matches_now(client: Client, alerting: Alerting) -> None:
    client.post("/breakers/payments/trip", json={"reason": "they deploy"})
    alerting.run_once()
    (alert,) = client.get("/alerts").json()["alerts"]
    listed = {"id": alert["id"], "message": alert["message"]}
    for more, matches in (
        ({}, {"breakers": ["payments", "default"], "incidents": [listed]}),
        ({"breaker": "pay*"}, {"breakers": ["payments"], "incidents": [listed]}),
        ({"kind": "memory"}, {"breakers": ["payments", "default"], "incidents": []}),
        ({"matchers": ["breaker!=payments"]}, {"breakers": ["default"], "incidents": []}),
        ({"matchers": ["Team=core"]}, {"breakers": [], "incidents": []}),
    ):
        found = silenced(client, **more).json()["matches"]
        found["breakers"].sort(reverse=True)
        assert found == matches, more


@pytest.mark.parametrize(
    "starts_at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "1970-01-01T00:00:00Z"]
)
def test_a_silence_that_is_over_or_far_away_is_refused(client: Client, starts_at: str) -> None:
    wanted = {"author": "ada", "reason": "x", "seconds": 5, "starts_at": starts_at}
    answer = client.post("/silences", json=wanted)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Invalid silence: ")


def test_a_process_without_alerting_says_so(registry: Registry) -> None:
    client = Client(create_app(registry))
    for method, path in (
        ("GET", "/alerts"),
        ("GET", "/silences"),
        ("GET", "/breaker/staged-alerts"),
        ("GET", "/breaker/opsgenie/status"),
        ("DELETE", "/silences?id=x"),
    ):
        answer = client.request(method, path)
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:breakerd:problem:no-alerting"
    assert client.get("/readyz").json()["paging"] is False
    assert "breakerd_alerts" not in client.get("/metrics").text


def test_a_drill_of_a_page_touches_no_call_and_is_audited(
    client: Client, alerting: Alerting
) -> None:
    asked = {"priority": "P4", "seconds": 120}
    answer = client.post(
        "/breakers/payments/drill-page", json=asked, headers={"X-Breakerd-User": "ada"}
    )
    assert answer.status_code == 200
    told = answer.json()
    assert told["message"] == "Page drill of P4 started; it closes after 120 s"
    assert (told["drill"], told["paging"]) == (True, False)
    alerting.run_once()
    (alert,) = client.get("/alerts").json()["alerts"]
    assert (alert["id"], alert["breaker"], alert["drill"]) == (told["id"], "payments", True)
    assert "page drill by ada" in alert["message"]
    assert alert["deliveries"]["log"]["told"] is True
    assert client.get("/breakers/payments/status").json()["state"] == "CLOSED"
    (entry,) = client.get("/audit").json()["entries"]
    assert (entry["action"], entry["breaker"], entry["user"]) == ("drill page", "payments", "ada")
    assert entry["detail"] == "P4 for 120 s"


@pytest.mark.parametrize("body", [{"priority": "P0"}, {"seconds": 9}, {"seconds": 3601}, {"x": 1}])
def test_a_wrong_drill_of_a_page_is_refused(client: Client, body: dict[str, object]) -> None:
    assert client.post("/breaker/drill-page", json=body).status_code == 400
    assert client.get("/alerts").json()["alerts"] == []


def test_a_drill_of_a_page_has_defaults(client: Client, alerting: Alerting) -> None:
    assert "P1" in client.post("/breaker/drill-page").json()["message"]
    alerting.run_once()
    assert client.get("/alerts").json()["alerts"][0]["priority"] == "P1"
