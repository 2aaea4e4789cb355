"""GET and PATCH /config: the settings of the whole process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from breakerd import Alerting, Registry, Settings
from breakerd.alerts.settings.alerting import AlertingSettings, AlertsSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.api.app import admin_router, create_app
from breakerd.api.settings import ApiSettings
from tests.support.admin_client import Client


def test_secrets_are_never_shown(client: Client, file: Path, registry: Registry) -> None:
    text = file.read_text().replace('team = "platform"', 'team = "platform"\napi_key = "hidden"')
    file.write_text(f"{text}[alerts.receivers.slack.main]\nurl = 'https://hidden'\n")
    assert registry.config is not None
    assert registry.config.reload()
    answer = client.get("/config")
    assert answer.json()["opsgenie"]["api_key"] == "*" * 10
    assert answer.json()["alerts"]["receivers"]["slack"]["main"]["url"] == "*" * 10
    assert answer.json()["opsgenie"]["team"] == "platform"
    assert answer.json()["api"]["event_streams"] == 50
    assert "hidden" not in answer.text


def test_keys_of_all_sections_change_together_in_force_and_in_the_file(
    client: Client, alerting: Alerting, file: Path
) -> None:
    body = {
        "opsgenie": {"priority": "P2", "contact_details": {"phone_number": "112"}},
        "alerts.resolve_after": 60,
        "alerts": {"maintenance": {"night": {"begins": "02:00", "ends": "03:00"}}},
        "api.event_streams": 7,
    }
    answer = client.patch("/config", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["api"]["event_streams"] == 7
    assert answer.json() == client.get("/config").json()
    settings = alerting.settings
    assert settings.opsgenie.priority == "P2"
    assert settings.opsgenie.contact_details.phone_number == "112"
    assert settings.alerts.resolve_after == 60
    assert settings.alerts.maintenance["night"].begins == "02:00"
    for line in ('priority = "P2"', "resolve_after = 60", "event_streams = 7", "# pages them"):
        assert line in file.read_text()
    (entry, *_) = client.get("/audit").json()["entries"]
    assert (entry["action"], entry["outcome"]) == ("change configuration", "done")
    assert entry["before"]["opsgenie.priority"] == "P3"
    assert entry["after"]["alerts.resolve_after"] == 60


def test_null_removes_a_key(client: Client, alerting: Alerting, file: Path) -> None:
    assert client.patch("/config", json={"opsgenie": {"team": None}}).status_code == 200
    assert alerting.settings.opsgenie.team == ""
    assert "pages them" not in file.read_text()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"opsgenie.priority": "P9"}, 'opsgenie.priority: found "P9"; allowed: one of "P1", "P2", '),
    ({"opsgenie.priorty": "P1"}, "allowed: did you mean 'priority'?"),
    ({"alerts.resolve_after": -1}, "alerts.resolve_after: found -1; allowed: a number ≥ 0, ≤ "),
    ({"api.event_streams": "7"}, 'api.event_streams: found "7"; allowed: a whole number ≥ 0, ≤ '),
    ({"api.event_stream": 7}, "did you mean 'event_streams'?"),
    ({"opsgeni": {"team": "x"}}, "found unknown key 'opsgeni'; allowed: did you mean 'opsgenie'?"),
    ({"opsgenie": 1}, "; allowed: a table"),
    ({"alerts.stages": [{"after": 5}]}, "stages in ascending order of `after`, the first with"),
    (
        {"alerts.inhibition.x": {"source": ["kind=latncy"], "target": ["kind=open"]}},
        "kind with a pattern of open, memory, latency, degraded, not 'latncy'; did you mean",
    ),
    ({"alerts.resolve_after": 1, "alerts": {"resolve_after": 2}}, "found the key twice"),
    (
        {"opsgenie.team": "x", "opsgenie.team.y": "z"},
        "found unknown key 'y'; allowed: no key below it",
    ),
]
FILE_ONLY: list[dict[str, Any]] = [
    {"opsgenie.api_key": "hidden"},
    {"opsgenie": {"api_url": "https://hidden"}},
    {"opsgenie.api_key_file": "/etc/hidden"},
    {"alerts.database": "hidden"},
    {"alerts.receivers.webhook.a.headers": {"X-Key": "hidden"}},
    {"alerts": {"receivers": {"webhook": {"a": {"url": "https://hidden"}}}}},
    {"alerts.receivers.jsm_ops.a.cloud_id": "hidden"},
    {"api.token_file": "/hidden"},
    {"api.host": "0.0.0.0"},
    {"api.audit_file": "/hidden"},
    {"fleet.hub": "none"},
    {"fleet": {"name": "x", "password": "hidden"}},
    {"fleet": None},
]


def test_what_is_wrong_changes_nothing_and_is_told_as_by_check(
    client: Client, alerting: Alerting, file: Path
) -> None:
    before, text = alerting.settings, file.read_text()
    for body, detail in REFUSED:
        answer = client.patch("/config", json={"opsgenie.source": "new", **body})
        assert answer.status_code == 422, body
        assert detail in answer.json()["detail"]
        assert {error["where"] for error in answer.json()["errors"]} == {"request"}
    assert (alerting.settings, file.read_text()) == (before, text)


def test_secrets_places_and_access_are_changed_in_the_file_only(
    client: Client, alerting: Alerting, file: Path
) -> None:
    before, text = alerting.settings, file.read_text()
    for body in FILE_ONLY:
        answer = client.patch("/config", json=body)
        assert answer.status_code == 422, body
        assert " in the file " in answer.json()["detail"]
        assert "https://hidden" not in answer.text
    assert "only: no secret" in client.patch("/config", json=FILE_ONLY[0]).json()["detail"]
    assert (alerting.settings, file.read_text()) == (before, text)
    assert '"hidden"' not in client.get("/audit").text


REMOVALS = ["opsgenie", "alerts", "alerts.receivers", "alerts.receivers.slack.main"]


@pytest.mark.parametrize("key", REMOVALS)
def test_a_table_with_a_secret_is_not_removed_by_request(
    client: Client, file: Path, registry: Registry, key: str
) -> None:
    text = file.read_text().replace('team = "platform"', 'api_key = "hidden"')
    file.write_text(f"{text}[alerts.receivers.slack.main]\nurl = 'https://hidden'\n")
    assert registry.config is not None
    assert registry.config.reload()
    before = file.read_text()
    answer = client.patch("/config", json={key: None})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["key"], error["allowed"]) == (key, "its removal in the file, or of other keys")
    assert error["found"].startswith(f"a table that holds {key}.")
    assert "hidden" not in answer.text
    assert file.read_text() == before


def test_on_a_read_only_file_all_sections_are_in_force_or_none(
    client: Client, alerting: Alerting, file: Path
) -> None:
    file.chmod(0o444)
    body = {"opsgenie.team": "core", "api.event_streams": 7}
    answer = client.patch("/config", json=body)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:breakerd:problem:not-written")
    said = answer.json()["detail"]
    assert said.startswith("opsgenie.team, api.event_streams: active, but not written to ")
    assert alerting.settings.opsgenie.team == "core"
    assert client.get("/config").json()["api"]["event_streams"] == 7
    (entry, *_) = client.get("/audit").json()["entries"]
    assert (entry["outcome"], entry["after"]["api.event_streams"]) == ("in memory only", 7)
    file.chmod(0o644)
    assert client.patch("/config", json={"alerts.group_window": 3}).status_code == 200
    for line in ('team = "core"', "event_streams = 7", "group_window = 3"):
        assert line in file.read_text()


def test_what_alerting_refuses_keeps_the_other_sections_as_they_were(
    client: Client, file: Path
) -> None:
    before = client.get("/config").json(), file.read_text()
    answer = client.patch("/config", json={"api.event_streams": 7, "alerts.database": "x"})
    assert answer.status_code == 422
    assert (client.get("/config").json(), file.read_text()) == before


def test_every_key_that_names_a_file_or_an_address_is_one_of_them() -> None:
    """A new setting of this kind must be refused over HTTP, or be named here."""
    links = {"dashboard_url", "runbook_url"}  # shown in alerts; nothing is sent there
    for model in (OpsGenieSettings, AlertsSettings):
        suspects = {
            name
            for name in model.model_fields
            if name.endswith(("_file", "_url", "url")) or name in {"database", "api_key"}
        }
        expected = {"api_url", "api_key", "api_key_file", "database", *links}
        assert suspects <= expected
    free = {"event_streams", "event_buffer"}
    assert free < set(ApiSettings.model_fields)


def test_without_a_file_changes_live_in_memory(tmp_path: Path, unfiled: Registry) -> None:
    settings = AlertingSettings(alerts=AlertsSettings(database=str(tmp_path / "x.db")))
    with Alerting(unfiled, settings, now=lambda: 1e6) as alerting:
        client = Client(create_app(unfiled, alerting))
        body = {"opsgenie.team": "core", "api": {"event_buffer": 5}, "alerts.group_window": 0}
        assert client.patch("/config", json=body).status_code == 200
        assert alerting.settings.opsgenie.team == "core"
        assert alerting.settings.alerts.group_window == 0
        assert client.get("/config").json()["api"]["event_buffer"] == 5


def test_without_alerting_there_is_only_the_admin_plane() -> None:
    with Registry(Settings(), memory=lambda: None) as registry:
        host = FastAPI()
        host.include_router(admin_router(registry))
        client = Client(host)
        assert client.get("/config").json().keys() == {"api"}
        answer = client.patch("/config", json={"opsgenie.team": "x"})
        assert (answer.status_code, answer.json()["type"]) == (
            404,
            "urn:breakerd:problem:no-alerting",
        )
        assert client.patch("/config", json={}).status_code == 200
        assert client.get("/audit").json()["entries"][0]["outcome"] == "refused"


@pytest.mark.parametrize("body", [[1], "x", 3])
def test_a_body_is_an_object(client: Client, body: object) -> None:
    answer = client.patch("/config", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith("allowed: a JSON object")
