"""Texts from templates of the file."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from breakerd import AlertsSettings
from breakerd.alerts.content import templates
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.settings.alerting import read_settings
from breakerd.alerts.settings.texts import TEMPLATE_FIELDS
from breakerd.breaker.config import read_document
from breakerd.breaker.errors import ConfigError
from tests.support.alert_facts import composed, facts, incident


def made(texts: dict[str, dict[str, str]], kind: str = "open") -> AlertContent:
    alerts = AlertsSettings.model_validate(
        {"attach_chart": False, "dashboard_url": "https://d", "templates": texts}
    )
    given = facts(kind)
    return composed(
        incident(given.kind, stage=1), given, alerts=alerts, public_url="https://ops.example"
    )


def test_message_and_description_of_a_kind() -> None:
    found = made(
        {
            "open": {
                "message": "$priority ${breaker}: $cause since $since",
                "description": "$summary\n$impact\n$action\n$link\n\n$description",
            }
        }
    )
    assert found.message == (
        "P2 payments: 45% of calls fail (limit 5%) since 08:00:00 UTC (21 s ago)"
    )
    lines = found.description.splitlines()
    assert lines[0] == (
        "payments OPEN 21 s, now P2: 45% of calls fail (limit 5%), all calls rejected"
    )
    assert lines[3] == "https://ops.example/#alert=ab12"
    assert lines[5].startswith("What: payments OPEN 21 s")
    assert not found.template_problem


def test_a_kind_without_its_own_has_that_of_default() -> None:
    texts = {"default": {"message": "$kind of $breakers"}, "open": {"description": "$next"}}
    assert made(texts).message == "open of payments"
    assert made(texts).description.startswith("it lets a few calls through as probes in 9 s")
    assert made(texts, "latency").message == "latency of payments"
    assert made(texts, "latency").description.startswith("What: payments slow")


def test_every_field_has_a_value() -> None:
    every = " ".join(f"{name}=[${name}]" for name in TEMPLATE_FIELDS)
    text = made({"open": {"description": every}}).description
    assert [name for name in TEMPLATE_FIELDS if f"{name}=[" not in text] == []
    assert "state=[OPEN]" in text
    assert "dashboard=[https://d]" in text


def test_limits_hold_after_the_fields_are_filled_in() -> None:
    found = made({"open": {"message": "$description\n$summary", "description": "$cause" * 2000}})
    assert 120 < len(found.message) <= 130
    assert "\n" not in found.message
    assert len(found.description) == 15_000


def test_a_template_that_makes_nothing_leaves_the_text_and_is_a_problem() -> None:
    found = made({"open": {"message": "$held"}})
    assert found.message.startswith("payments OPEN 21 s")
    assert found.template_problem == (
        "message of [alerts.templates] for 'open' is empty: breakerd's own text is used"
    )


def test_a_template_that_fails_leaves_the_text_and_is_a_problem() -> None:
    with patch.object(templates, "Template", side_effect=ValueError("broken")):
        found = made({"open": {"description": "$cause"}})
    assert found.description.startswith("What: payments OPEN 21 s")
    assert "description of [alerts.templates] for 'open': broken" in found.template_problem


def test_a_dollar_sign_in_a_value_is_not_a_field() -> None:
    alerts = AlertsSettings.model_validate(
        {"attach_chart": False, "templates": {"open": {"message": "$breaker: $cause"}}}
    )
    given = facts("open", "$cause")
    found = composed(incident(breaker="$cause"), given, alerts=alerts)
    assert found.message == "$cause: 45% of calls fail (limit 5%)"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[alerts.templates.open]\nmessage = "$braeker"', "did you mean $breaker?"),
        ('[alerts.templates.open]\nmessage = "${breaker.__class__}"', "$NAME or ${NAME}"),
        ('[alerts.templates.opne]\nmessage = "x"', "did you mean 'open'?"),
        ('[alerts.templates.open]\nmesage = "x"', "did you mean 'message'?"),
        ('[alerts]\nrunbook_url = "https://r/{braeker}"', "did you mean {breaker}?"),
    ],
)
def test_what_is_wrong_is_an_error_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "breakers.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_settings(read_document(str(file)), {})
    (found,) = caught.value.problems
    assert found.line in {1, 2}
    assert problem in str(found)


def test_the_public_address_is_that_of_the_api_section(tmp_path: Path) -> None:
    file = tmp_path / "breakers.toml"
    file.write_text('[api]\npublic_url = "https://ops.example/breakers/"')
    assert read_settings(read_document(str(file)), {}).public_url == "https://ops.example/breakers"
    file.write_text("[api]\npublic_url = 7")
    assert read_settings(read_document(str(file)), {}).public_url == ""
