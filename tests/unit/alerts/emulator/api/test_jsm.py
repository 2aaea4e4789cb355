"""Jira Service Management's two APIs, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.api.jsm import INTEGRATION_PREFIX
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.breaker.testing import ManualClock

EVENTS = f"{INTEGRATION_PREFIX}/v2/alerts"
ALERTS = "/jsm/ops/api/site-1/v1/alerts"
KEY, TOKEN = "integration-key", "user-token"
USER = "ann@b.example"
T = 1_800_000_000.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T)


@pytest.fixture
def jsm(clock: ManualClock) -> Iterator[Emulator]:
    keys = {KEY, TOKEN}
    with Emulator(mode="jsm", api_keys=keys, cloud_id="site-1", delay=0, clock=clock) as made:
        yield made


@pytest.fixture
def events(jsm: Emulator) -> Iterator[httpx.Client]:
    """Sends through an integration."""
    headers = {"Authorization": f"GenieKey {KEY}"}
    with httpx.Client(base_url=jsm.url, headers=headers, timeout=10) as made:
        yield made


@pytest.fixture
def rest(jsm: Emulator) -> Iterator[httpx.Client]:
    """Asks as a user."""
    with httpx.Client(base_url=jsm.url, auth=(USER, TOKEN), timeout=10) as made:
        yield made


def title(answer: httpx.Response) -> str:
    ((error),) = answer.json()["errors"]
    assert error["code"] == str(answer.status_code)
    return str(error["title"])


def shown(rest: httpx.Client, alias: str = "a") -> dict[str, Any]:
    answer = rest.get(f"{ALERTS}/alias", params={"alias": alias})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()
    return data


# --- integration events


def test_events_create_acknowledge_note_and_close(jsm: Emulator, events: httpx.Client) -> None:
    body = {"message": "m", "alias": "a", "priority": "P2"}
    asked = events.post(EVENTS, json=body)
    assert asked.status_code == 202
    status = events.get(f"{EVENTS}/requests/{asked.json()['requestId']}").json()["data"]
    assert (status["isSuccess"], status["alias"]) == (True, "a")
    for action, words in (("acknowledge", {}), ("notes", {"note": "n"}), ("close", {"user": "u"})):
        answer = events.post(f"{EVENTS}/a/{action}?identifierType=alias", json=words)
        assert answer.status_code == 202, action
    alert = jsm.alert("a")
    assert alert is not None
    assert [line.what for line in alert.history] == [
        "created P2", "acknowledged", "note", "closed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", EVENTS, 405),
        ("GET", f"{EVENTS}/a", 404),
        ("DELETE", f"{EVENTS}/a", 404),
        ("PUT", f"{EVENTS}/a/priority", 404),
        ("PUT", f"{EVENTS}/a/message", 404),
        ("PUT", f"{EVENTS}/a/description", 404),
        ("POST", f"{EVENTS}/a/tags", 404),
        ("DELETE", f"{EVENTS}/a/tags", 404),
        ("POST", f"{EVENTS}/a/details", 404),
        ("POST", f"{EVENTS}/a/responders", 404),
        ("POST", f"{EVENTS}/a/attachments", 404),
        ("GET", f"{EVENTS}/a/notes", 405),
        ("GET", f"{EVENTS}/count", 404),
        ("GET", f"{INTEGRATION_PREFIX}/v2/heartbeats/live/ping", 404),
        ("GET", f"{INTEGRATION_PREFIX}/v2/teams/ops", 404),
        ("GET", "/v2/alerts", 404),
        ("GET", "/jsm/other", 404),
    ],
)
def test_events_do_nothing_else(events: httpx.Client, method: str, path: str, status: int) -> None:
    answer = events.request(method, path)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_opsgenie_knows_nothing_of_jira(opsgenie_emulator: Emulator) -> None:
    headers = {"Authorization": "GenieKey test-key"}
    answer = httpx.post(f"{opsgenie_emulator.url}{EVENTS}", json={"message": "m"}, headers=headers)
    assert answer.status_code == 501
    assert len(opsgenie_emulator.requests) == 1


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="mode: found 'pigeon', allowed is opsgenie or jsm"):
        Emulator(mode="pigeon")  # type: ignore[arg-type]  # which is the point


def test_the_fixture_emulates_jira(jsm_emulator: Emulator) -> None:
    assert jsm_emulator.mode == "jsm"
    headers = {"Authorization": f"GenieKey {API_KEY}"}
    answer = httpx.post(jsm_emulator.url + EVENTS, json={"message": "m"}, headers=headers)
    assert answer.status_code == 202
    assert len(jsm_emulator.alerts()) == 1


# --- who is let in


def test_each_api_has_its_own_scheme(jsm: Emulator) -> None:
    def status(path: str, **request: Any) -> int:
        return httpx.get(jsm.url + path, **request).status_code

    event = f"{EVENTS}/requests/none"
    assert status(event, headers={"Authorization": f"GenieKey {KEY}"}) == 404
    assert status(event, headers={"Authorization": "GenieKey other"}) == 401
    assert status(event, auth=(USER, TOKEN)) == 401
    assert status(ALERTS, auth=(USER, TOKEN)) == 200
    assert status(ALERTS, auth=(USER, "other")) == 401
    assert status(ALERTS, auth=("", TOKEN)) == 401
    assert status(ALERTS, headers={"Authorization": f"GenieKey {KEY}"}) == 401
    for broken in ("Basic", "Basic ***", "Basic /w==", "Bearer x"):
        assert status(ALERTS, headers={"Authorization": broken}) == 401
    assert httpx.get(jsm.url + ALERTS).json() == {"code": 401, "message": "Unauthorized"}
    assert TOKEN not in repr(jsm.requests)


def test_without_keys_every_token_is_let_in() -> None:
    with Emulator(mode="jsm") as emulator:
        url = f"{emulator.url}/jsm/ops/api/any/v1/alerts"
        assert httpx.get(url, auth=(USER, "any")).status_code == 200
        assert httpx.get(url).status_code == 401


def test_another_site_is_not_found(rest: httpx.Client) -> None:
    answer = rest.get("/jsm/ops/api/site-2/v1/alerts")
    assert (answer.status_code, title(answer)) == (404, "There is no cloud id site-2")


# --- the Operations REST API


def test_both_apis_show_the_same_alerts(events: httpx.Client, rest: httpx.Client) -> None:
    body = {"message": "m", "alias": "a", "details": {"p95": "900"}, "tags": ["t"]}
    events.post(EVENTS, json=body)
    alert = shown(rest)
    assert alert["extraProperties"] == {"p95": "900"}
    assert (alert["status"], alert["acknowledged"], alert["priority"]) == ("open", False, "P3")
    by_id = rest.get(f"{ALERTS}/{alert['id']}")
    assert by_id.json() == alert


def test_an_alert_is_created_changed_and_closed_by_its_id(
    jsm: Emulator, rest: httpx.Client
) -> None:
    body = {
        "message": "m",
        "alias": "a",
        "extraProperties": {"p95": "900"},
        "responders": [{"type": "team", "id": "7"}],
    }
    asked = rest.post(ALERTS, json=body)
    assert asked.status_code == 200
    status = rest.get(f"{ALERTS}/requests/{asked.json()['requestId']}").json()
    assert (status["isSuccess"], status["action"]) == (True, "Create")
    alert_id = shown(rest)["id"]
    said: list[tuple[str, str, dict[str, str]]] = [
        ("PATCH", "priority", {"priority": "P1"}),
        ("POST", "acknowledge", {}),
        ("POST", "unacknowledge", {}),
        ("POST", "responders", {"type": "user", "id": "8"}),
        ("POST", "acknowledge", {}),
        ("POST", "close", {"note": "over"}),
    ]
    for method, action, words in said:
        answer = rest.request(method, f"{ALERTS}/{alert_id}/{action}", json=words)
        assert answer.status_code == 202, action
        assert answer.json()["requestId"]
    alert = rest.get(f"{ALERTS}/{alert_id}").json()
    assert (alert["status"], alert["priority"], alert["owner"]) == ("closed", "P1", USER)
    assert alert["responders"] == [{"type": "team", "id": "7"}, {"type": "user", "id": "8"}]
    assert alert["ackTime"] == alert["closeTime"] == "2027-01-15T08:00:00.000Z"
    emulated = jsm.alert("a")
    assert emulated is not None
    assert emulated.history[-1].by == USER
    assert emulated.notes[-1].what == "over"


def test_only_an_open_alert_is_found_by_its_alias(rest: httpx.Client, jsm: Emulator) -> None:
    rest.post(ALERTS, json={"message": "m", "alias": "a"})
    jsm.close("a")
    answer = rest.get(f"{ALERTS}/alias?alias=a")
    assert (answer.status_code, title(answer)) == (404, "Alert not found")
    query = {"query": 'status: "closed" and alias: "a"'}
    assert [each["alias"] for each in rest.get(ALERTS, params=query).json()["values"]] == ["a"]


def test_an_alias_is_no_id(rest: httpx.Client) -> None:
    rest.post(ALERTS, json={"message": "m", "alias": "a"})
    assert rest.get(f"{ALERTS}/a").status_code == 404
    asked = rest.post(f"{ALERTS}/a/close").json()["requestId"]
    status = rest.get(f"{ALERTS}/requests/{asked}").json()
    assert (status["isSuccess"], status["status"]) == (False, "Alert does not exist")


def test_a_note_is_there_when_it_is_answered(jsm: Emulator, rest: httpx.Client) -> None:
    rest.post(ALERTS, json={"message": "m", "alias": "a"})
    notes = f"{ALERTS}/{shown(rest)['id']}/notes"
    made = rest.post(notes, json={"note": "worse"})
    assert made.status_code == 200
    assert (made.json()["note"], made.json()["owner"]) == ("worse", USER)
    assert "requestId" not in made.json()
    assert [each["note"] for each in rest.get(notes).json()["values"]] == ["worse"]
    jsm.fail("unapplied", times=1)
    assert rest.post(notes, json={"note": "lost"}).status_code == 200
    assert len(rest.get(notes).json()["values"]) == 1
    assert rest.post(notes, json={}).status_code == 422
    assert rest.post(f"{ALERTS}/none/notes", json={"note": "n"}).status_code == 404


def test_an_alert_is_updated_by_its_id(jsm: Emulator, rest: httpx.Client) -> None:
    body = {"message": "m", "alias": "a", "tags": ["t"], "extraProperties": {"p95": "900"}}
    rest.post(ALERTS, json=body)
    alert_id = shown(rest)["id"]
    said: list[tuple[str, str, dict[str, object]]] = [
        ("PATCH", "message", {"message": "payments OPEN 21 s"}),
        ("PATCH", "description", {"description": "p95 950 ms"}),
        ("POST", "tags", {"tags": ["cart", "checkout"]}),
        ("DELETE", "tags", {"tags": ["t"]}),
        ("POST", "extra-properties", {"extraProperties": {"p50": "9"}}),
        ("DELETE", "extra-properties", {"keys": ["p95"]}),
    ]
    for method, part, words in said:
        answer = rest.request(method, f"{ALERTS}/{alert_id}/{part}", json=words)
        assert answer.status_code == 202, part
        status = rest.get(f"{ALERTS}/requests/{answer.json()['requestId']}").json()
        assert status["isSuccess"] is True, part
    alert = shown(rest)
    assert (alert["message"], alert["description"]) == ("payments OPEN 21 s", "p95 950 ms")
    assert (alert["tags"], alert["extraProperties"]) == (["cart", "checkout"], {"p50": "9"})
    emulated = jsm.alert("a")
    assert emulated is not None
    assert {line.by for line in emulated.history} == {USER}
    assert "</time> message payments OPEN 21 s" in httpx.get(jsm.url).text


def test_an_alert_can_be_deleted(rest: httpx.Client) -> None:
    rest.post(ALERTS, json={"message": "m", "alias": "a"})
    assert rest.delete(f"{ALERTS}/{shown(rest)['id']}").status_code == 202
    assert rest.get(f"{ALERTS}/alias?alias=a").status_code == 404


def test_alerts_are_listed_in_pages(rest: httpx.Client, clock: ManualClock) -> None:
    for alias, priority in (("a", "P3"), ("b", "P1"), ("c", "P2")):
        rest.post(ALERTS, json={"message": "m", "alias": alias, "priority": priority})
        clock.advance(1)

    def listed(**query: str) -> tuple[list[str], dict[str, str]]:
        answer = rest.get(ALERTS, params=query).json()
        assert answer["count"] == 3
        return [each["alias"] for each in answer["values"]], answer["links"]

    assert listed() == (["c", "b", "a"], {})
    assert listed(sort="priority", order="asc")[0] == ["b", "c", "a"]
    first, links = listed(size="2")
    assert (first, links) == (["c", "b"], {"next": "/v1/alerts?size=2&offset=2"})
    assert listed(size="2", offset="2") == (["a"], {})
    for wrong in ({"size": "0"}, {"sort": "colour"}, {"order": "up"}, {"query": "free words"}):
        assert rest.get(ALERTS, params=wrong).status_code == 422, wrong


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", ALERTS, {}, 422),
        ("POST", ALERTS, [], 422),
        ("POST", ALERTS, {"message": "m", "responders": [{"type": "team", "name": "ops"}]}, 422),
        ("POST", ALERTS, {"message": "m", "extraProperties": {"n": 1}}, 422),
        ("PATCH", f"{ALERTS}/x/priority", {"priority": "P9"}, 422),
        ("PATCH", f"{ALERTS}/x/message", {"message": "m" * 131}, 422),
        ("PATCH", f"{ALERTS}/x/description", {}, 422),
        ("POST", f"{ALERTS}/x/tags", {}, 422),
        ("DELETE", f"{ALERTS}/x/tags", None, 422),
        ("POST", f"{ALERTS}/x/extra-properties", {"extraProperties": {"n": 1}}, 422),
        ("POST", f"{ALERTS}/x/extra-properties", {"details": {"n": "1"}}, 422),
        ("DELETE", f"{ALERTS}/x/extra-properties", {"keys": "n"}, 422),
        ("POST", f"{ALERTS}/x/responders", {"type": "team"}, 422),
        ("PUT", f"{ALERTS}/x/priority", {"priority": "P1"}, 405),
        ("POST", f"{ALERTS}/x/snooze", {}, 501),
        ("GET", f"{ALERTS}/requests/none", None, 404),
    ],
)
def test_errors_have_titles(
    rest: httpx.Client, method: str, path: str, body: object, status: int
) -> None:
    answer = rest.request(method, path, json=body)
    assert answer.status_code == status
    assert title(answer)


def test_what_is_not_json_is_refused(rest: httpx.Client) -> None:
    assert rest.post(ALERTS, content=b"{").status_code == 422


def test_too_many_writes_under_way_are_refused() -> None:
    with Emulator(mode="jsm", delay=60) as emulator:
        emulator._alerts._kept = 1
        with httpx.Client(base_url=emulator.url, auth=(USER, "t")) as rest:
            assert rest.post(ALERTS, json={"message": "m"}).status_code == 200
            assert rest.post(ALERTS, json={"message": "m"}).status_code == 503


# --- teams and heartbeats


def test_heartbeats_belong_to_teams(jsm: Emulator, rest: httpx.Client, clock: ManualClock) -> None:
    team = jsm.add_team("ops")
    teams = rest.get("/jsm/ops/api/site-1/v1/teams").json()
    assert teams == {"platformTeams": [{"teamId": team, "teamName": "ops"}]}
    heartbeats = f"/jsm/ops/api/site-1/v1/teams/{team}/heartbeats"
    body = {"name": "live", "interval": 5, "intervalUnit": "Minutes"}
    made = rest.post(heartbeats, json=body)
    assert (made.status_code, made.json()["ownerTeamId"]) == (200, team)
    assert rest.post(heartbeats, json=body).status_code == 422
    assert rest.post(heartbeats, json={"name": "other"}).status_code == 422
    ping = rest.get(f"{heartbeats}/ping?name=live")
    assert (ping.status_code, ping.json()["message"]) == (202, "PONG - EmulatedHeartbeat received")
    assert rest.get(f"{heartbeats}/ping?name=none").status_code == 202
    jsm.add_heartbeat("night")
    (live,) = rest.get(f"{heartbeats}?name=live").json()["values"]
    assert live["status"] == "Responsive"
    clock.advance(301)
    both = rest.get(heartbeats).json()["values"]
    assert [(each["name"], each["status"]) for each in both] == [
        ("live", "Unresponsive"), ("night", "Responsive"),
    ]  # fmt: skip
    assert rest.get("/jsm/ops/api/site-1/v1/teams/none/heartbeats").status_code == 404
    jsm.fail("unapplied")
    assert rest.get(f"{heartbeats}/ping?name=live").status_code == 202
    jsm.heal()
    (live,) = rest.get(f"{heartbeats}?name=live").json()["values"]
    assert live["status"] == "Unresponsive"


def test_the_page_has_its_name(jsm: Emulator) -> None:
    assert "<h1>Jira Service Management emulator</h1>" in httpx.get(jsm.url).text
