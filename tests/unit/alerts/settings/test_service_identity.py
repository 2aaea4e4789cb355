from __future__ import annotations

import socket

import pytest

from breakerd import OpsGenieSettings
from breakerd.alerts.settings.service_identity import find_fields

NOTHING = OpsGenieSettings()


def test_the_file_comes_first() -> None:
    settings = OpsGenieSettings(
        team="t", environment="uat", bookmaker_id="b", hostname="h", business="biz"
    )
    fields = find_fields(settings, {"OPSGENIE_TEAM": "x", "PROJECT_ID": "x", "HOSTNAME": "x"})
    assert (fields.team, fields.environment, fields.bookmaker_id) == ("t", "UAT", "b")
    assert (fields.hostname, fields.business, fields.problems) == ("h", "biz", ())


@pytest.mark.parametrize(
    ("variable", "field", "value"),
    [
        ("OPSGENIE_TEAM", "team", "x"),
        ("DEPLOYMENT_ENV", "environment", "X"),
        ("BOOKMAKER_ID", "bookmaker_id", "x"),
        ("PROJECT_ID", "bookmaker_id", "x"),
        ("CLIENT_ID", "bookmaker_id", "x"),
        ("SERVICE_ID", "bookmaker_id", "x"),
        ("HOSTNAME", "hostname", "x"),
        ("POD_NAME", "hostname", "x"),
        ("BUSINESS_UNIT", "business", "x"),
        ("DEPARTMENT", "business", "x"),
    ],
)
def test_then_variables(variable: str, field: str, value: str) -> None:
    assert getattr(find_fields(NOTHING, {variable: "x"}), field) == value


def test_other_names_of_the_same_thing() -> None:
    settings = OpsGenieSettings(
        project_id="p", business_unit="u", host_override="o", hostname="h", api_namespace="ns"
    )
    fields = find_fields(settings, {})
    assert (fields.bookmaker_id, fields.business, fields.hostname) == ("p", "u", "o")
    assert fields.environment == "NS"
    assert find_fields(OpsGenieSettings(api_name="api"), {}).bookmaker_id == "api"


def test_what_nobody_set_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "box")
    fields = find_fields(NOTHING, {})
    assert (fields.team, fields.environment, fields.bookmaker_id) == (
        "unknown", "UNKNOWN", "unknown",
    )  # fmt: skip
    assert (fields.hostname, fields.business) == ("box", "internal")
    assert len(fields.problems) == 3
    assert all("is not set" in problem for problem in fields.problems)


@pytest.mark.parametrize(
    ("host", "environment"), [("web-prod-3", "PROD"), ("staging1", "STAGING"), ("dev", "DEV")]
)
def test_the_host_may_tell_the_environment(
    monkeypatch: pytest.MonkeyPatch, host: str, environment: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    fields = find_fields(NOTHING, {})
    assert fields.environment == environment
    assert f"alerts say {environment!r}, as the host is {host!r}" in fields.problems[1]
