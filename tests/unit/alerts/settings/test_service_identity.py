from __future__ import annotations

import socket

import pytest

from breakerd import OpsGenieSettings
from breakerd.alerts.settings.service_identity import resolve_identity

NOTHING = OpsGenieSettings()


def test_the_file_comes_first() -> None:
    settings = OpsGenieSettings(
        team="t", environment="uat", bookmaker_id="b", hostname="h", business="biz"
    )
    identity = resolve_identity(
        settings, {"OPSGENIE_TEAM": "x", "PROJECT_ID": "x", "HOSTNAME": "x"}
    )
    assert (identity.team, identity.environment, identity.bookmaker_id) == ("t", "UAT", "b")
    assert (identity.hostname, identity.business) == ("h", "biz")
    assert identity.problems == identity.gaps == ()


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
    assert getattr(resolve_identity(NOTHING, {variable: "x"}), field) == value


def test_other_names_of_the_same_thing() -> None:
    settings = OpsGenieSettings(
        project_id="p", business_unit="u", host_override="o", hostname="h", api_namespace="ns"
    )
    identity = resolve_identity(settings, {})
    assert (identity.bookmaker_id, identity.business, identity.hostname) == ("p", "u", "o")
    assert identity.environment == "NS"
    assert resolve_identity(OpsGenieSettings(api_name="api"), {}).bookmaker_id == "api"


def test_what_nobody_set_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "box")
    identity = resolve_identity(NOTHING, {})
    assert (identity.team, identity.environment, identity.bookmaker_id) == (
        "unknown", "UNKNOWN", "unknown",
    )  # fmt: skip
    assert (identity.hostname, identity.business) == ("box", "internal")
    assert identity.problems == (
        "[opsgenie] team is not set; alerts say 'unknown' and may reach nobody",
    )
    assert identity.gaps == (
        "[opsgenie] environment is not set; alerts say 'UNKNOWN'",
        "[opsgenie] bookmaker_id is not set, nor project_id; alerts say 'unknown'",
    )


@pytest.mark.parametrize(
    ("host", "environment"), [("web-prod-3", "PROD"), ("staging1", "STAGING"), ("dev", "DEV")]
)
def test_the_host_may_tell_the_environment(
    monkeypatch: pytest.MonkeyPatch, host: str, environment: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    identity = resolve_identity(NOTHING, {})
    assert identity.environment == environment
    assert f"alerts say {environment!r}, from the host {host!r}" in identity.gaps[0]
