"""Preview of alerts: what each receiver would get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from breakerd import AlertingSettings, AlertsSettings, OpsGenieSettings
from breakerd.alerts.content.topics import Topic
from breakerd.alerts.model.step import StepKind
from breakerd.alerts.preview.preview import Rendering, make_sample, render
from breakerd.alerts.preview.samples import SAMPLES
from breakerd.alerts.receivers.log import LogReceiver
from breakerd.api.cli.commands.preview import SampleName
from tests.support.alert_facts import NOW

if TYPE_CHECKING:
    from breakerd.alerts.model.incident import Incident
    from breakerd.alerts.model.step import Step

STAGES = ({"after": 0, "priority": "P3"}, {"after": 60, "priority": "P2"})


def settings(receivers: dict[str, object] | None = None, **opsgenie: object) -> AlertingSettings:
    return AlertingSettings(
        OpsGenieSettings.model_validate(opsgenie),
        AlertsSettings.model_validate({"stages": STAGES, "receivers": receivers or {}}),
    )


def test_there_is_a_sample_of_every_topic_and_a_name_for_each_sample() -> None:
    assert set(SAMPLES) == {name.value for name in SampleName}
    found = {
        make_sample(settings(), name, "pay", 1, NOW).incident.content.topic for name in SAMPLES
    }
    assert found == {topic.value for topic in Topic} - {"drill"}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_names_its_breaker(name: str) -> None:
    alert = make_sample(settings(), name, "checkout", 1, NOW)
    drill = "[DRILL] " if name == "drill" else ""
    assert alert.incident.content.message.startswith(f"{drill}checkout ")
    assert alert.step.kind is StepKind.CREATE


def test_a_later_stage_is_a_change_of_priority_with_its_note() -> None:
    alert = make_sample(settings(), "open", "pay", 2, NOW)
    assert (alert.step.kind, alert.step.priority) == (StepKind.PRIORITY, "P2")
    assert alert.step.note.startswith("Still open after 1 min, now P2. 45% of calls fail")
    assert alert.incident.content.message == (
        "pay OPEN 1 min, now P2: 45% of calls fail (limit 5%), 61% rejected"
    )


@pytest.mark.parametrize("stage", [0, 3])
def test_a_stage_that_does_not_exist_is_an_error(stage: int) -> None:
    with pytest.raises(ValueError, match=f"found stage {stage}; allowed: 1 is P3, 2 is P2"):
        make_sample(settings(), "open", "pay", stage, NOW)


def test_each_receiver_shows_what_it_would_send(monkeypatch: pytest.MonkeyPatch) -> None:
    def preview(_: object, incident: Incident, step: Step) -> str:
        return f"{step.kind} {incident.content.message}"

    monkeypatch.setattr(LogReceiver, "preview", preview, raising=False)
    configured = settings()
    alert = make_sample(configured, "open", "pay", 1, NOW)
    assert list(render(configured, alert)) == [
        Rendering("log", "create pay OPEN 21 s: 45% of calls fail (limit 5%), all calls rejected")
    ]


def test_secrets_that_are_not_known_here_are_no_obstacle() -> None:
    receivers: dict[str, object] = {
        "slack": {"ops": {"min_priority": "P2"}},
        "apprise": {"mail": {}},
    }
    configured = settings(receivers, enabled=True, team="x")
    alert = make_sample(configured, "open", "pay", 1, NOW)
    found = {each.receiver: each.remark for each in render(configured, alert)}
    assert found["slack.ops"] == "sent nothing: P3 is below P2"
    assert found["apprise.mail"] == "cannot be shown: it has no url"


def test_no_secret_is_shown() -> None:
    key = "very-secret-key-123"
    configured = settings(
        {"pagerduty": {"ops": {"key": key}}}, enabled=True, team="x", api_key=SecretStr(key)
    )
    alert = make_sample(configured, "open", "pay", 1, NOW)
    assert not any(key in each.text for each in render(configured, alert))
