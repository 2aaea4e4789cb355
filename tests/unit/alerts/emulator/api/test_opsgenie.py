from __future__ import annotations

from typing import Any

import pytest

from breakerd.alerts.emulator.api.messages import Request, Response
from breakerd.alerts.emulator.api.opsgenie import OpsGenieApi
from breakerd.alerts.emulator.state.account import EmulatedAccount, WriteMode
from breakerd.alerts.emulator.state.alerts import MAX_ATTACHMENTS, AlertStore
from breakerd.alerts.emulator.state.attachment import Attachment

T = 1_800_000_000.0
HEARTBEAT = {"name": "live", "interval": 5, "intervalUnit": "minutes", "enabled": True}


class Api:
    """The operations, asked in short."""

    def __init__(self, delay: float = 0.0) -> None:
        self.account = EmulatedAccount(AlertStore(delay, kept=3))
        self._api = OpsGenieApi(self.account)
        self.now = T
        self.write_mode = WriteMode()

    def ask(
        self, method: str, target: str, body: object = None, file: Attachment | None = None
    ) -> Response:
        path, _, query = target.partition("?")
        pairs = dict(pair.split("=", 1) for pair in query.split("&") if pair)
        files = {"file": file} if file else {}
        request = Request(method, path, pairs, {}, body, files=files)
        return self._api.respond(request, self.now, self.write_mode)

    def data(self, target: str) -> Any:
        answer = self.ask("GET", target)
        assert answer.status == 200, answer
        assert isinstance(answer.content, dict)
        return answer.content["data"]

    def create(self, alias: str = "a") -> str:
        return request_id(self.ask("POST", "/v2/alerts", {"message": "m", "alias": alias}))


def request_id(answer: Response) -> str:
    assert answer.status == 202, answer
    assert isinstance(answer.content, dict)
    return str(answer.content["requestId"])


def words(answer: Response) -> str:
    assert isinstance(answer.content, dict)
    return str(answer.content["message"])


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_write_is_taken_at_once_and_its_status_known_later() -> None:
    api = Api(delay=1.0)
    asked = api.create()
    early = api.ask("GET", f"/v2/alerts/requests/{asked}")
    assert (early.status, words(early)) == (
        404,
        "Request not found. It might not be processed, yet.",
    )
    assert api.ask("GET", "/v2/alerts/a?identifierType=alias").status == 404
    api.now += 1
    assert api.data(f"/v2/alerts/requests/{asked}")["isSuccess"] is True
    assert api.data("/v2/alerts/a?identifierType=alias")["alias"] == "a"


def test_an_identifier_is_an_id_unless_it_is_said_otherwise(api: Api) -> None:
    api.create()
    alert_id = api.data("/v2/alerts")[0]["id"]
    assert api.ask("GET", "/v2/alerts/a").status == 404
    assert api.data(f"/v2/alerts/{alert_id}")["alias"] == "a"
    assert api.data("/v2/alerts/1?identifierType=tiny")["id"] == alert_id
    assert api.data("/v2/alerts/a?identifierType=alias")["id"] == alert_id
    wrong = api.ask("POST", "/v2/alerts/a/close?identifierType=name", {})
    assert (wrong.status, words(wrong)) == (422, "identifierType must be one of id, alias, tiny")


def test_a_write_by_alias_without_saying_so_is_taken_and_fails(api: Api) -> None:
    api.create()
    asked = request_id(api.ask("POST", "/v2/alerts/a/close", {}))
    assert api.data(f"/v2/alerts/requests/{asked}")["status"] == "Alert does not exist"
    assert api.data("/v2/alerts/count?query=status:open") == {"count": 1}


def test_an_alias_is_percent_decoded(api: Api) -> None:
    api.create("a/b c?")
    assert api.data("/v2/alerts/a%2Fb%20c%3F?identifierType=alias")["alias"] == "a/b c?"


def test_notes_and_logs_are_listed(api: Api) -> None:
    api.create()
    for note in ("one", "two"):
        api.ask("POST", "/v2/alerts/a/notes?identifierType=alias", {"note": note, "user": "ann"})
    notes = api.data("/v2/alerts/a/notes?identifierType=alias")
    assert [(note["note"], note["owner"]) for note in notes] == [("two", "ann"), ("one", "ann")]
    logs = api.data("/v2/alerts/a/logs?identifierType=alias&order=asc")
    assert [(log["log"], log["offset"]) for log in logs] == [
        ("created P3", "1"), ("note", "2"), ("note", "3"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "target", "body", "shown"),
    [
        ("PUT", "message", {"message": "new"}, ("message", "new")),
        ("PUT", "description", {"description": "d"}, ("description", "d")),
        ("POST", "tags", {"tags": ["b"]}, ("tags", ["a", "b"])),
        ("DELETE", "tags?tags=a", None, ("tags", [])),
        ("POST", "details", {"details": {"l": "w"}}, ("details", {"k": "v", "l": "w"})),
        ("DELETE", "details?keys=k", None, ("details", {})),
    ],
)
def test_updates_take_effect_later_and_are_logged(
    method: str, target: str, body: object, shown: tuple[str, object]
) -> None:
    api = Api(delay=1.0)
    made = {"message": "m", "alias": "a", "tags": ["a"], "details": {"k": "v"}}
    api.ask("POST", "/v2/alerts", made)
    api.now += 1
    path, _, query = target.partition("?")
    asked = request_id(
        api.ask(method, f"/v2/alerts/a/{path}?identifierType=alias&user=ann&{query}", body)
    )
    before = api.data("/v2/alerts/a?identifierType=alias")
    assert before[shown[0]] != shown[1]
    assert api.ask("GET", f"/v2/alerts/requests/{asked}").status == 404
    api.now += 1
    assert api.data(f"/v2/alerts/requests/{asked}")["isSuccess"] is True
    after = api.data("/v2/alerts/a?identifierType=alias")
    assert after[shown[0]] == shown[1]
    log = api.data("/v2/alerts/a/logs?identifierType=alias")[0]
    assert log["log"].startswith(path)


def test_too_many_writes_under_way_are_refused() -> None:
    api = Api(delay=1.0)
    for _ in range(3):
        api.create()
    assert api.ask("POST", "/v2/alerts", {"message": "m"}).status == 503


def test_a_write_that_is_not_applied_is_taken_and_fails(api: Api) -> None:
    api.write_mode = WriteMode(applied=False)
    asked = api.create()
    assert api.data(f"/v2/alerts/requests/{asked}")["isSuccess"] is False
    assert api.data("/v2/alerts") == []


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/v2/alerts/a/snooze", 501, "POST /v2/alerts/a/snooze is not emulated"),
        ("GET", "/v2/schedules", 501, "GET /v2/schedules is not emulated"),
        ("PATCH", "/v2/alerts", 405, "/v2/alerts takes GET, POST"),
        ("POST", "/v2/alerts/a/priority", 405, "/v2/alerts/a/priority takes PUT"),
    ],
)
def test_what_is_not_emulated_says_so(
    api: Api, method: str, path: str, status: int, message: str
) -> None:
    answer = api.ask(method, path, {})
    assert (answer.status, words(answer)) == (status, message)


def test_a_body_that_is_no_object_is_refused(api: Api) -> None:
    assert api.ask("POST", "/v2/alerts", ["m"]).status == 422
    malformed = OpsGenieApi(EmulatedAccount()).respond(
        Request("POST", "/v2/alerts", malformed=True), T
    )
    assert malformed.status == 400


def test_a_heartbeat_lives_expires_and_ends(api: Api) -> None:
    assert api.ask("POST", "/v2/heartbeats", HEARTBEAT).status == 201
    assert "exists" in words(api.ask("POST", "/v2/heartbeats", HEARTBEAT))
    assert api.ask("GET", "/v2/heartbeats/live/ping").status == 202
    assert api.data("/v2/heartbeats/live")["expired"] is False
    api.now += 301
    assert api.data("/v2/heartbeats")["heartbeats"][0]["expired"] is True
    assert api.ask("POST", "/v2/heartbeats/live/disable").content["data"]["enabled"] is False  # type: ignore[index]  # JSON
    assert api.data("/v2/heartbeats/live")["expired"] is False
    assert api.ask("POST", "/v2/heartbeats/live/enable").content["data"]["expired"] is True  # type: ignore[index]  # JSON
    assert api.ask("DELETE", "/v2/heartbeats/live").status == 200
    assert api.ask("GET", "/v2/heartbeats/live").status == 404


def test_a_ping_is_taken_even_where_there_is_no_heartbeat(api: Api) -> None:
    assert api.ask("GET", "/v2/heartbeats/none/ping").status == 202
    assert api.ask("GET", "/v2/heartbeats/none").status == 404


def test_a_ping_that_is_not_applied_is_lost(api: Api) -> None:
    api.ask("POST", "/v2/heartbeats", HEARTBEAT)
    api.write_mode = WriteMode(applied=False)
    assert api.ask("GET", "/v2/heartbeats/live/ping").status == 202
    assert "lastPingTime" not in api.data("/v2/heartbeats/live")


def test_a_write_may_be_late_and_be_overtaken(api: Api) -> None:
    api.write_mode = WriteMode(delay=5)
    late = api.create()
    api.write_mode = WriteMode()
    closing = request_id(api.ask("POST", "/v2/alerts/a/close?identifierType=alias", {}))
    assert api.data(f"/v2/alerts/requests/{closing}")["status"] == "Alert does not exist"
    assert api.ask("GET", f"/v2/alerts/requests/{late}").status == 404
    api.now += 5
    assert api.data(f"/v2/alerts/requests/{late}")["isSuccess"] is True
    assert api.data("/v2/alerts/a?identifierType=alias")["status"] == "open"


def test_a_deleted_alert_is_gone(api: Api) -> None:
    api.create()
    asked = request_id(api.ask("DELETE", "/v2/alerts/a?identifierType=alias&user=ann"))
    assert api.data(f"/v2/alerts/requests/{asked}")["status"] == "Deleted alert"
    assert api.ask("GET", "/v2/alerts/a?identifierType=alias").status == 404
    again = request_id(api.ask("DELETE", "/v2/alerts/a?identifierType=alias"))
    assert api.data(f"/v2/alerts/requests/{again}")["status"] == "Alert does not exist"


def test_responders_are_added_once(api: Api) -> None:
    api.create()
    for responder in ({"type": "team", "name": "db"}, {"type": "team", "name": "db"}):
        path = "/v2/alerts/a/responders?identifierType=alias"
        assert api.ask("POST", path, {"responder": responder}).status == 202
    alert = api.data("/v2/alerts/a?identifierType=alias")
    assert [one["name"] for one in alert["responders"]] == ["db"]
    for wrong in ({}, {"responder": {"type": "squad", "name": "db"}}, {"responder": "db"}):
        assert api.ask("POST", "/v2/alerts/a/responders?identifierType=alias", wrong).status == 422


CHART = Attachment("chart.png", "image/png", b"png")
FILES = "/v2/alerts/a/attachments?alertIdentifierType=alias"


def test_files_are_attached_and_listed(api: Api) -> None:
    api.create()
    answer = api.ask("POST", FILES, {"user": "breakerd"}, CHART)
    assert answer.status == 201
    assert api.data(FILES) == [{"id": "1", "name": "chart.png"}]
    alert = api.account.alerts.find("a", "alias")
    assert alert is not None
    assert alert.attachments[0].content == b"png"
    assert alert.history[-1].what == "attached chart.png"


def test_a_file_needs_a_form_and_an_alert_and_room(api: Api) -> None:
    assert api.ask("POST", FILES, {}, CHART).status == 404
    api.create()
    assert api.ask("POST", FILES, {"user": "breakerd"}).status == 400
    assert api.ask("POST", "/v2/alerts/a/attachments?identifierType=alias", {}, CHART).status == 404
    api.write_mode = WriteMode(applied=False)
    assert api.ask("POST", FILES, {}, CHART).status == 201
    api.write_mode = WriteMode()
    statuses = [api.ask("POST", FILES, {}, CHART).status for _ in range(MAX_ATTACHMENTS + 1)]
    assert statuses == [201] * MAX_ATTACHMENTS + [422]


def test_every_team_exists_until_one_is_declared(api: Api) -> None:
    found = api.data("/v2/teams/ops?identifierType=name")
    assert found["name"] == "ops"
    team_id = api.account.directory.add_team("db")
    assert api.data("/v2/teams/db?identifierType=name")["id"] == team_id
    assert api.data(f"/v2/teams/{team_id}")["name"] == "db"
    missing = api.ask("GET", "/v2/teams/ops?identifierType=name")
    assert (missing.status, words(missing)) == (404, "No team exists with name [ops]")
    assert api.ask("GET", "/v2/teams/ops?identifierType=tiny").status == 422


def test_every_user_exists_until_one_is_declared(api: Api) -> None:
    assert api.data("/v2/users/ann@b.example")["username"] == "ann@b.example"
    user_id = api.account.directory.add_user("bob@b.example")
    assert api.data(f"/v2/users/{user_id}")["username"] == "bob@b.example"
    assert api.ask("GET", "/v2/users/ann@b.example").status == 404


def test_the_account_has_a_name(api: Api) -> None:
    assert api.data("/v2/account")["name"] == "breakerd emulator"
