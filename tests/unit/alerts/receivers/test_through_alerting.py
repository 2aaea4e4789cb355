"""Several receivers of the same incidents: each has its own requests and failures."""

from __future__ import annotations

from collections import Counter

import pytest

from breakerd import AlertingSettings, OpsGenieSettings
from breakerd.alerts.settings.alerting import AlertsSettings
from tests.support.slack_workspace import CHANNEL, TOKEN, SlackWorkspace
from tests.support.webhook_receiver import Received, RecordingServer, Reply
from tests.unit.alerts.conftest import World
from tests.unit.alerts.receivers.conftest import Integration

STAGES = {"time_before_send_alert": 60}


@pytest.fixture
def integration(server: RecordingServer) -> Integration:
    made = Integration()
    server.answer = made.answer
    return made


def beside(world: World, server: RecordingServer, kind: str, **receiver: object) -> None:
    """Puts another server beside OpsGenie."""
    where = {"jsm": "api_url", "pagerduty": "api_url", "webhook": "url"}[kind]
    world.alerts |= {"receivers": {kind: {"b": {where: server.url, **receiver}}}}


def outcomes(world: World, receiver: str) -> Counter[str]:
    assert world.alerting is not None
    counts = world.alerting.stats().counts.items()
    return Counter({outcome: n for (name, outcome), n in counts if name == receiver})


def events(server: RecordingServer) -> list[str]:
    return [request.json["event_action"] for request in server.requests]


def an_incident(world: World) -> None:
    breaker = world.slow()
    world.after()
    world.after(61)
    breaker.reset()
    world.after()
    world.after(61)


def test_opsgenie_and_jsm_side_by_side(
    world: World, server: RecordingServer, integration: Integration
) -> None:
    beside(world, server, "jsm", key="k")
    world.start(**STAGES)
    an_incident(world)
    steps = [what for what in world.history() if what.startswith(("created", "priority", "closed"))]
    assert steps == ["created P3", "priority P1", "closed"]
    alias = world.emulator.alerts()[0].alias
    assert [what for what in integration.accepted.values() if "notes" not in what] == [
        f"alerts {alias}", f"alerts {alias}:s2", f"close {alias}", f"close {alias}:s2",
    ]  # fmt: skip


def test_a_stage_that_may_have_arrived_is_no_third_alert(
    world: World, server: RecordingServer, integration: Integration
) -> None:
    beside(world, server, "jsm", key="k")
    world.start(**STAGES)
    world.slow()
    world.after()
    server.replies = [Reply(503), Reply(202, "<html>"), Reply(raw=b"")]
    for _ in range(10):
        world.after(61)
    alias = world.emulator.alerts()[0].alias
    raised = {what for what in integration.accepted.values() if what.startswith("alerts")}
    assert raised == {f"alerts {alias}", f"alerts {alias}:s2"}


def test_one_that_is_down_delays_no_other(world: World, server: RecordingServer) -> None:
    server.answer = lambda _request: Reply(503)
    beside(world, server, "jsm", key="k")
    world.start(**STAGES)
    an_incident(world)
    assert world.history()[-1] == "closed"
    assert outcomes(world, "jsm.b")["delivered"] == 0


def test_a_move_to_jsm_tells_it_of_what_is_open(
    world: World, server: RecordingServer, integration: Integration
) -> None:
    alerting = world.start(**STAGES)
    world.slow()
    world.after()
    moved = alerting.settings.opsgenie.model_dump() | {"flavour": "jsm", "api_url": server.url}
    before = len(world.emulator.requests)
    alerting.apply(
        AlertingSettings(OpsGenieSettings.model_validate(moved), alerting.settings.alerts)
    )
    world.after(1)
    assert [what.split()[0] for what in integration.accepted.values()] == ["alerts"]
    assert len(world.emulator.requests) == before
    assert alerting.opsgenie_status()["initialized"]


def test_each_hears_of_what_is_urgent_enough_for_it(world: World, server: RecordingServer) -> None:
    server.answer = lambda _request: Reply(202, {"status": "success"})
    beside(world, server, "pagerduty", key="k", min_priority="P1")
    world.start(**STAGES)
    breaker = world.slow()
    world.after()
    assert events(server) == []
    world.after(61)
    assert events(server) == ["trigger"]
    breaker.reset()
    world.after()
    world.after(61)
    assert events(server) == ["trigger", "resolve"]


def test_a_stage_is_one_event(world: World, server: RecordingServer) -> None:
    server.answer = lambda _request: Reply(202, {"status": "success"})
    beside(world, server, "pagerduty", key="k")
    world.start(**STAGES)
    an_incident(world)
    assert events(server) == ["trigger", "trigger", "resolve"]
    severities = [request.json["payload"]["severity"] for request in server.requests[:2]]
    assert severities == ["warning", "critical"]
    assert "updated" not in outcomes(world, "pagerduty.b")


def test_an_opening_that_may_have_arrived_is_posted_again_as_it_is_then(
    world: World, server: RecordingServer
) -> None:
    beside(world, server, "webhook")
    world.start(api_key=None, **STAGES)
    server.replies = [Reply(503)]
    world.slow()
    world.after()
    world.after(61)
    world.after(1)
    sent = [(request.json["event"], request.json["priority"]) for request in server.requests]
    assert sent == [("create", "P3"), ("create", "P1")]


def test_what_a_wrong_key_held_up_leaves_when_it_is_put_right(
    world: World, server: RecordingServer
) -> None:
    wrong = Reply(400, {"status": "invalid event", "errors": ["Invalid routing key"]})
    taken = Reply(202, {"status": "success"})
    server.answer = lambda request: taken if request.json["routing_key"] == "right" else wrong
    beside(world, server, "pagerduty", key="wrong")
    alerting = world.start()
    world.slow()
    world.after()
    for _ in range(3):
        world.after(10)
    assert events(server) == ["trigger"]
    assert any("pagerduty.b refuses the key" in problem for problem in alerting.problems())
    assert "dead" not in outcomes(world, "pagerduty.b")
    right = alerting.settings.alerts.model_dump()
    right["receivers"] = {"pagerduty": {"b": {"key": "right", "api_url": server.url}}}
    alerting.apply(
        AlertingSettings(alerting.settings.opsgenie, AlertsSettings.model_validate(right))
    )
    world.after(1)
    assert outcomes(world, "pagerduty.b")["delivered"] == 1
    assert not any("pagerduty.b" in problem for problem in alerting.problems())


def test_what_is_refused_in_full_is_sent_in_a_form_that_pages(
    world: World, server: RecordingServer
) -> None:
    def picky(request: Received) -> Reply:
        return Reply(413 if request.json["description"] else 200)

    server.answer = picky
    beside(world, server, "webhook")
    world.start()
    world.slow()
    world.after()
    world.after(1)
    assert outcomes(world, "webhook.b")["reduced"] == 1
    assert outcomes(world, "webhook.b")["delivered"] >= 1
    assert "dead" not in outcomes(world, "webhook.b")


def test_a_fallback_is_told_what_no_other_was(world: World, server: RecordingServer) -> None:
    url = server.url.replace("http:", "json:")
    world.alerts |= {
        "receivers": {"apprise": {"last": {"url": url, "fallback": True}}},
        "fallback_after": 120.0,
    }
    world.emulator.fail("error")
    world.start()
    breaker = world.slow()
    world.after()
    world.after(60)
    assert server.requests == []
    world.after(61)
    assert [request.json["type"] for request in server.requests] == ["failure"]
    breaker.reset()
    world.after()
    world.after(61)
    assert [request.json["type"] for request in server.requests] == ["failure", "success"]


def test_a_fallback_is_not_told_what_another_was(world: World, server: RecordingServer) -> None:
    url = server.url.replace("http:", "json:")
    world.alerts |= {"receivers": {"apprise": {"last": {"url": url, "fallback": True}}}}
    world.start(**STAGES)
    an_incident(world)
    assert world.history()[-1] == "closed"
    assert server.requests == []


# --- Slack with a token


@pytest.fixture
def workspace(server: RecordingServer, world: World) -> SlackWorkspace:
    made = SlackWorkspace()
    server.answer = made.answer
    slack = {"token": TOKEN, "channel": CHANNEL, "api_url": server.url}
    world.alerts |= {"receivers": {"slack": {"b": slack}}}
    return made


def signs(workspace: SlackWorkspace) -> list[str]:
    """First sign of each message that the channel shows."""
    return [each.text[0] for each in workspace.channel]


def test_an_incident_is_one_message_in_slack_also_after_a_restart(
    world: World, workspace: SlackWorkspace
) -> None:
    world.start(**STAGES)
    world.slow()
    world.after()
    (root,) = workspace.messages
    assert root.text.startswith("🚨 P3 default")
    world.restart(**STAGES)
    breaker = world.slow()
    world.after(61)
    breaker.reset()
    world.after()
    world.after(61)
    assert [each.text[0] for each in workspace.channel] == ["✅", "⏫", "✅"]
    assert {each.thread_ts for each in workspace.messages[1:]} == {root.ts}
    assert "(was P1)" in root.text


def test_a_message_whose_answer_is_lost_is_in_the_channel_once(
    world: World, workspace: SlackWorkspace
) -> None:
    workspace.lost.add("chat.postMessage")
    world.start(**STAGES)
    breaker = world.slow()
    world.after()
    world.after(2)
    workspace.lost.add("chat.postMessage")
    world.after(61)
    world.after(2)
    workspace.lost.add("chat.postMessage")
    breaker.reset()
    world.after()
    for _ in range(3):
        world.after(61)
    assert signs(workspace) == ["✅", "⏫", "✅"]
    assert outcomes(world, "slack.b")["retried"] == 3


def test_a_message_that_somebody_deleted_is_posted_anew_with_the_next_stage(
    world: World, workspace: SlackWorkspace
) -> None:
    world.start(**STAGES)
    breaker = world.slow()
    world.after()
    workspace.delete(workspace.messages[0].ts)
    world.after(61)
    assert signs(workspace) == ["⏫"]
    breaker.reset()
    world.after()
    world.after(61)
    assert signs(workspace) == ["✅", "✅"]


def test_a_webhook_is_replaced_by_a_token_amid_an_incident(
    world: World, server: RecordingServer, workspace: SlackWorkspace
) -> None:
    token = world.alerts["receivers"]
    world.alerts["receivers"] = {"slack": {"b": {"url": f"{server.url}/services/T/B/x"}}}
    server.replies = [Reply(200, "ok")]
    alerting = world.start(**STAGES)
    breaker = world.slow()
    world.after()
    world.alerts["receivers"] = token
    settings = AlertsSettings.model_validate(
        alerting.settings.alerts.model_dump() | {"receivers": token}
    )
    alerting.apply(AlertingSettings(alerting.settings.opsgenie, settings))
    world.after(61)
    breaker.reset()
    world.after()
    world.after(61)
    assert signs(workspace) == ["✅", "✅"]
