"""Each request of our OpsGenie client is one that OpsGenie's API description knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.limits import (
    DESCRIPTION,
    DETAILS,
    ENTITY,
    MESSAGE,
    NOTE,
    SOURCE,
    TAG,
    TAGS,
)
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers import RequestState
from breakerd.alerts.receivers.opsgenie import OpsGenieReceiver
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from tests.support.charts import CHARTS
from tests.support.opsgenie_description import assert_request_conforms

SHORT = AlertContent("payments open", "p95 900 ms", "payments", "breakerd", "ops", ["Team:ops"])
BARE = AlertContent("payments open", "", "", "breakerd")
FULLEST = AlertContent(
    message="m" * MESSAGE,
    description="d" * DESCRIPTION,
    entity="e" * ENTITY,
    source="s" * SOURCE,
    team="ops & friends",
    tags=[f"{n}:".ljust(TAG, "é") for n in range(TAGS)],
    details={"key": "v" * (DETAILS - len("key"))},
)
PARTS = ("message", "description", "tags", "details")
LIFE = (
    Step(StepKind.CREATE, priority="P3"),
    Step(StepKind.NOTE, note="still slow"),
    Step(StepKind.UPDATE, priority="P3", parts=PARTS),
    Step(StepKind.PRIORITY, priority="P1"),
    Step(StepKind.NOTE, note="n" * (NOTE + 1)),
    Step(StepKind.CLOSE, note="over"),
)


@pytest.fixture
def receiver(opsgenie_emulator: Emulator) -> Iterator[OpsGenieReceiver]:
    settings = OpsGenieSettings(
        enabled=True, api_key=SecretStr(API_KEY), api_url=opsgenie_emulator.url
    )
    made = OpsGenieReceiver(settings, timeout=10)
    yield made
    made.close()


def incident(alias: str, content: AlertContent, *, minimal: bool = False) -> Incident:
    made = Incident(
        id="1",
        alias=alias,
        breaker="payments",
        kind="open",
        opened_at=0.0,
        notify_at=0.0,
        stages=(Stage(0, "P3"), Stage(60, "P1")),
        content=content,
    )
    made.delivery_to(OpsGenieReceiver.name).reduced = minimal
    return made


@pytest.mark.parametrize("minimal", [False, True], ids=["full", "minimal"])
@pytest.mark.parametrize("content", [SHORT, BARE, FULLEST], ids=["short", "bare", "fullest"])
@pytest.mark.parametrize("alias", ["breakerd:payments", "a/b?c=d#e %ü", "x" * 512])
def test_an_incidents_whole_life_conforms(
    opsgenie_emulator: Emulator,
    receiver: OpsGenieReceiver,
    alias: str,
    content: AlertContent,
    *,
    minimal: bool,
) -> None:
    told = incident(alias, content, minimal=minimal)
    for step in LIFE:
        assert receiver.request_state(receiver.send(told, step)) is RequestState.DONE, step
    requests = opsgenie_emulator.requests
    parts = [bool(part) for part in content.digests() if getattr(content, part)]
    assert len(requests) == 2 * (len(LIFE) - 1 + len(parts))
    for entry in requests:
        assert_request_conforms(entry.method, entry.path, entry.query, entry.headers, entry.body)
    alert = opsgenie_emulator.alert(alias)
    assert alert is not None
    steps = [line.what for line in alert.history if line.what.split()[0] not in PARTS]
    assert steps == ["created P3", "note", "priority P1", "note", "closed"]
    assert (alert.message, alert.tags) == (content.message, content.tags)
    assert len(opsgenie_emulator.alerts()) == 1


def test_a_step_for_an_alert_that_is_missing_is_taken_and_gone(
    opsgenie_emulator: Emulator, receiver: OpsGenieReceiver
) -> None:
    missing = incident("missing", SHORT)
    for step in LIFE[1:]:
        assert receiver.request_state(receiver.send(missing, step)) is RequestState.GONE, step
    assert opsgenie_emulator.alerts() == []


def test_tags_that_an_alert_should_not_have_any_more_are_removed(
    opsgenie_emulator: Emulator, receiver: OpsGenieReceiver
) -> None:
    told = incident("a/b c", replace(SHORT, tags=["Team:ops", "old one", "a,b"]))
    update = Step(StepKind.UPDATE, parts=("tags",))
    told.delivery_to(receiver.name).begin(LIFE[0], told.content, 0)
    receiver.send(told, LIFE[0])
    told.content = replace(SHORT, tags=["Team:ops", "new"])
    told.delivery_to(receiver.name).begin(update, told.content, 0)
    assert receiver.request_state(receiver.send(told, update)) is RequestState.DONE
    for entry in opsgenie_emulator.requests:
        assert_request_conforms(entry.method, entry.path, entry.query, entry.headers, entry.body)
    (alert,) = opsgenie_emulator.alerts()
    assert alert.tags == ["Team:ops", "a,b", "new"], "a comma separates tags in that request"


def test_the_key_goes_in_its_scheme_and_is_kept_nowhere(
    opsgenie_emulator: Emulator, receiver: OpsGenieReceiver
) -> None:
    receiver.send(incident("a", SHORT), LIFE[0])
    (entry,) = opsgenie_emulator.requests
    assert entry.headers["authorization"] == "GenieKey ***"
    assert API_KEY not in repr(entry)


def test_responders_and_a_picture_conform(
    opsgenie_emulator: Emulator, receiver: OpsGenieReceiver
) -> None:
    wanted = ("team:Second line", "user:me@example.com", "escalation:Later", "schedule:Nights")
    told = incident("a/b c", replace(SHORT, chart=CHARTS["usual"]))
    for step in (
        Step(StepKind.CREATE, priority="P3", responders=wanted),
        Step(StepKind.PRIORITY, priority="P1", number=1, responders=wanted),
        Step(StepKind.ATTACH),
    ):
        request_id = receiver.send(told, step)
        assert not request_id or receiver.request_state(request_id) is RequestState.DONE, step
    for entry in opsgenie_emulator.requests:
        assert_request_conforms(entry.method, entry.path, entry.query, entry.headers, entry.body)
    (alert,) = opsgenie_emulator.alerts()
    assert alert.priority == "P1"
    assert len(alert.responders) == 5
    assert [one.name for one in alert.attachments] == ["last-minutes.png"]
