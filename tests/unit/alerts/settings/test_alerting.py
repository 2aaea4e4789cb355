from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import ConfigError, OpsGenieSettings
from breakerd.alerts.settings.alerting import read_settings
from breakerd.breaker.config import read_document, validate

GO_BREAKERS = """\
memory_threshold = 80

[opsgenie]
enabled = true
api_key = ""    # from the environment
api_url = ""
region = "eu"
use_environments = true
tags = ["Environment:production", "lonely"]

[opsgenie.contact_details]
slack_channel = "#payments"
additional_emails = ["a@example.org"]

[opsgenie.environment_settings.PROD]
enabled = true
priority = "P1"

[opsgenie.api_custom_attributes]
region = "us-east-1"
"""


def test_go_breakers_file_loads_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "breaker.toml"
    path.write_text(GO_BREAKERS)
    opsgenie = read_settings(read_document(path), {}).opsgenie
    assert opsgenie.api_key is None
    assert opsgenie.api_url is None
    assert opsgenie.environment_settings["PROD"].priority == "P1"
    assert opsgenie.api_custom_attributes == {"region": "us-east-1"}


def test_a_key_from_a_mounted_secret_may_end_in_a_line_feed() -> None:
    opsgenie = read_settings(None, {"OPSGENIE_API_KEY": "abc\n", "OPSGENIE_REGION": " "}).opsgenie
    assert opsgenie.api_key is not None
    assert opsgenie.api_key.get_secret_value() == "abc"
    assert opsgenie.region == "us"


@pytest.mark.parametrize("key", ["two words", "clé", "a\nb"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="not shown; allowed: printable ASCII") as caught:
        read_settings(None, {"OPSGENIE_API_KEY": key})
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["opsgenie", "ftp://h", "http://", "http://h:x", "http://h:70000", "http://[::1", "http://h?a"],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="api_url"):
        validate(OpsGenieSettings, {"api_url": url})


@pytest.mark.parametrize("url", ["http://[::1]:8081", "https://proxy.example/opsgenie/"])
def test_any_other_address_is_taken(url: str) -> None:
    assert validate(OpsGenieSettings, {"api_url": url}).api_url == url
