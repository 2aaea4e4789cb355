from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import Alerting, ConfigError, Registry
from breakerd.alerts.settings.alerting import AlertingSettings, read_settings
from breakerd.breaker.config import parse_document

ATTRIBUTES = """\
[opsgenie]
enabled = false
[opsgenie.api_custom_attributes]
version = 3
ratio = 1.5
use_environments = false
tier = "gold"
"""


def read(text: str) -> AlertingSettings:
    return read_settings(parse_document(Path("f.toml"), text), {})


def test_attributes_are_taken_as_their_text() -> None:
    settings = read(ATTRIBUTES)
    assert settings.opsgenie.api_custom_attributes == {
        "version": "3",
        "ratio": "1.5",
        "use_environments": "false",
        "tier": "gold",
    }
    assert [str(warning) for warning in settings.warnings] == [
        'f.toml:4: opsgenie.api_custom_attributes.version: found 3; taken as the text "3"',
        'f.toml:5: opsgenie.api_custom_attributes.ratio: found 1.5; taken as the text "1.5"',
        (
            "f.toml:6: opsgenie.api_custom_attributes.use_environments: found false; taken as the "
            "text \"false\"; for the setting 'use_environments', write it above "
            "[opsgenie.api_custom_attributes]"
        ),
    ]


def test_an_empty_text_is_the_default_where_it_is_no_value() -> None:
    settings = read(
        '[opsgenie]\nregion = ""\npriority = ""\nteam = ""\n'
        '[opsgenie.environment_settings.prod]\nenabled = true\npriority = ""\n'
    )
    assert (settings.opsgenie.region, settings.opsgenie.priority) == ("us", "P3")
    assert settings.opsgenie.environment_settings["prod"].priority is None
    assert [(warning.line, warning.key) for warning in settings.warnings] == [
        (2, "opsgenie.region"),
        (3, "opsgenie.priority"),
        (7, "opsgenie.environment_settings.prod.priority"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        '[opsgenie.api_custom_attributes]\na = ["x"]',
        "[opsgenie]\napi_custom_attributes = 1",
        "[opsgenie]\nenvironment_settings = 1",
        "[opsgenie.environment_settings]\nprod = 1",
        '[opsgenie]\nflavour = ""',
        "opsgenie = 1",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read(text)


def test_a_running_process_warns_once_and_leaves_the_file_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "breakers.toml"
    file.write_text(f'{ATTRIBUTES}[alerts]\ndatabase = "{tmp_path}/x.db"\n')
    with (
        Registry.from_file(file, watch=False) as registry,
        Alerting.from_file(file, registry) as alerting,
    ):
        alerting.change({"priority": "P2"})
        alerting.change({"priority": "P1"})
    assert caplog.text.count('version: found 3; taken as the text "3"') == 1
    assert file.read_text().startswith(
        ATTRIBUTES.replace("false\n[", 'false\npriority = "P1"\n[', 1)
    )
