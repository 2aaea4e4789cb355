from __future__ import annotations

from typing import Any

import pytest

from breakerd import AlertsSettings, ContactDetails, OpsGenieSettings
from breakerd.alerts.content.labels import key_value_tag
from breakerd.alerts.content.sentences.sparkline import sparkline
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.limits import DETAILS, MESSAGE, TAG, TAGS
from tests.support.alert_facts import composed, facts, incident
from tests.unit.alerts.conftest import World

SETTINGS = OpsGenieSettings(
    team="payments",
    environment="prod",
    bookmaker_id="b1",
    hostname="box",
    api_name="Payment API",
    api_version="v1.2.0",
    api_owner="Payments Team",
    api_description="Handles payments",
    api_priority="critical",
    api_dependencies=("database", "auth"),
    api_endpoints=("/payments", "/refunds"),
    additional_context="black friday",
    service_tier="gold",
    tags=("Team:payments", "Zone:a", "lonely", "lonely"),
    contact_details=ContactDetails(
        primary_contact="ana",
        phone_number="123",
        escalation_team="sre",
        additional_emails=("ops@example.org", "bob@example.org"),
    ),
)
ALERTS = AlertsSettings(
    dashboard_url="https://d.example/", runbook_url="https://r.example/", attach_chart=False
)


def content(settings: OpsGenieSettings = SETTINGS, kind: str = "open", **more: Any) -> AlertContent:
    given = facts(kind, **more)
    about = incident(given.kind, drill=given.drill)
    return composed(about, given, opsgenie=settings, alerts=ALERTS)


def test_description_names_the_service_and_its_people() -> None:
    lines = content().description.splitlines()
    for wanted in (
        "Service: Payment API v1.2.0",
        "Owner: Payments Team",
        "Importance: critical",
        "Depends on: database, auth",
        "Endpoints: /payments, /refunds",
        "Contact: ana, 123",
        "Escalation: sre",
        "Further contacts: ops@example.org, bob@example.org",
        "Runbook: https://r.example/",
        "Dashboard: https://d.example/",
    ):
        assert wanted in lines


ABOUT_THE_SERVICE = [
    name for name in OpsGenieSettings.model_fields if name.startswith(("api_", "service_"))
]
NOT_SHOWN = {"api_key", "api_key_file", "api_url", "api_priority"}
"""How alerts are sent; `api_priority` wins over `service_tier`, which has a tag."""


@pytest.mark.parametrize("name", sorted(set(ABOUT_THE_SERVICE) - NOT_SHOWN))
def test_every_setting_about_the_service_is_in_the_alert(name: str) -> None:
    kind = type(OpsGenieSettings.model_fields[name].default)
    values: dict[type, object] = {tuple: ("marked",), str: "marked"}
    value = values.get(kind, {"x": "marked"})
    shown = content(OpsGenieSettings.model_validate({name: value}))
    assert "marked" in str(shown.as_dict())


@pytest.mark.parametrize("name", ContactDetails.model_fields)
def test_every_contact_is_in_the_alert(name: str) -> None:
    value = ("marked",) if name == "additional_emails" else "marked"
    shown = content(OpsGenieSettings.model_validate({"contact_details": {name: value}}))
    assert "marked" in shown.description


def test_tags_are_key_value_and_the_automatic_ones_are_there() -> None:
    tags = content().tags
    assert tags[:6] == [
        "Environment:prod",
        "BookmakerId:b1",
        "Host:box",
        "Business:internal",
        "Team:payments",
        "AlertType:breaker-open",
    ]
    assert tags[-2:] == ["Zone:a", "**TAG_KEY_UNDEFINED**:lonely"]
    assert {"Service:Payment API", "Tier:gold", "Context:black friday", "Breaker:payments"} <= set(
        tags
    )


def test_everything_is_within_the_limits() -> None:
    long = SETTINGS.model_copy(
        update={
            "api_name": "n" * 300,
            "additional_context": "c" * 20_000,
            "api_owner": "o" * 20_000,
            "api_description": "d" * 20_000,
            "api_custom_attributes": {f"a{i}": "v" * 1000 for i in range(10)},
            "tags": tuple(f"k{i}:{'v' * 100}" for i in range(40)),
        }
    )
    made = content(long)
    assert len(made.message) <= MESSAGE
    assert made.message.startswith("payments OPEN 21 s: 45% of calls fail")
    assert len(made.description) <= 15_000
    assert len(made.tags) == TAGS
    assert max(map(len, made.tags)) == TAG
    assert sum(len(k) + len(v) for k, v in made.details.items()) <= DETAILS
    assert made.details["Team"] == "payments"
    assert "a0" in made.details


def test_what_is_not_wanted_is_left_out() -> None:
    bare = SETTINGS.model_copy(
        update={
            "include_latency_metrics": False,
            "include_memory_metrics": False,
            "include_system_info": False,
        }
    )
    made = content(bare)
    assert not {"System", "LatencyThresholdMs", "MemoryUsagePercent"} & set(made.details)
    assert "Latency:" not in made.description
    assert "Memory:" not in made.description


def test_the_minimal_form_still_says_what_and_to_whom() -> None:
    made = content().minimal()
    assert (made.message, made.team) == (content().message, "payments")
    assert made.description == made.entity == ""
    assert not made.tags
    assert not made.details


def test_unknown_memory_is_said() -> None:
    assert "Memory: unknown" in content(memory_known=False).description


def test_sparkline() -> None:
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([0, 50, 100]) == "▁▄█"
    assert len(sparkline(list(range(100)))) == 40


@pytest.mark.parametrize(
    ("tag", "made"),
    [
        ("a:b", "a:b"),
        (" a : b:c ", "a:b:c"),
        ("a", "**TAG_KEY_UNDEFINED**:a"),
        ("a:", "**TAG_KEY_UNDEFINED**:a"),
        (":b", "**TAG_KEY_UNDEFINED**:b"),
    ],
)
def test_key_value(tag: str, made: str) -> None:
    assert key_value_tag(tag) == made


def test_the_description_tells_the_spread_and_what_happened_lately(world: World) -> None:
    world.start()
    breaker = world.slow()
    breaker.reset()
    world.slow()
    world.after()
    (alert,) = world.emulator.alerts()
    assert "Spread: p50 500 ms, p90 500 ms, p99 500 ms, highest 500 ms" in alert.description
    lines = alert.description.splitlines()
    first = lines.index("Recently:") + 1
    told = [line.partition("UTC  ")[2] for line in lines[first : first + 3]]
    assert told == ["CLOSED → OPEN, latency", "OPEN → CLOSED, reset", "CLOSED → OPEN, latency"]
