"""Slack with a token, against a workspace that keeps its messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers import (
    AlertState,
    InvalidRequestError,
    RateLimitedError,
    RequestState,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.receivers.slack.bot import SlackBotReceiver
from breakerd.alerts.receivers.slack.web_api import SlackWebApi
from tests.support.slack_workspace import CHANNEL, TOKEN, SlackWorkspace
from tests.support.webhook_receiver import RecordingServer, Reply

OPENING = Step(StepKind.CREATE, "P3")
UPDATE = Step(StepKind.UPDATE, "P3", revision=1)
STAGE = Step(StepKind.PRIORITY, "P1", note="Still open after 5 min, now P1.", number=1)
NOTE = Step(StepKind.NOTE, note="Open again.")
END = Step(StepKind.CLOSE, note="Over: it lasted 42 s.", number=1)
Make = Callable[..., SlackBotReceiver]


@pytest.fixture
def workspace(server: RecordingServer) -> SlackWorkspace:
    made = SlackWorkspace()
    server.answer = made.answer
    return made


@pytest.fixture
def make(server: RecordingServer) -> Iterator[Make]:
    made: list[SlackBotReceiver] = []

    def make_one(channel: str = CHANNEL, token: str = TOKEN) -> SlackBotReceiver:
        api = SlackWebApi(SecretStr(token), 10, f"{server.url}/api")
        made.append(SlackBotReceiver("slack.ops", api, channel))
        return made[-1]

    yield make_one
    for receiver in made:
        receiver.close()


@pytest.fixture
def receiver(workspace: SlackWorkspace, make: Make) -> SlackBotReceiver:
    assert workspace.messages == []
    return make()


def reference(incident: Incident) -> str:
    return incident.delivery_to("slack.ops").reference


def lose(receiver: SlackBotReceiver, incident: Incident, step: Step) -> None:
    """Sends a step whose answer does not arrive, as a dispatcher sees it."""
    with pytest.raises(UnavailableError) as failure:
        receiver.send(incident, step)
    assert failure.value.maybe_applied


def test_one_message_stands_for_the_incident_and_its_thread_has_the_rest(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    for step in (OPENING, UPDATE, STAGE, NOTE, END):
        assert receiver.send(incident, step) == ""
    root, *replies = workspace.messages
    assert root.lines[0] == "✅ Resolved after 0 s (was P3): payments"
    assert root.edits == 3
    assert [(each.thread_ts, each.broadcast) for each in replies] == [
        (root.ts, True),
        (root.ts, False),
        (root.ts, True),
    ]
    assert [each.lines for each in replies] == [
        ["⏫ *P1* payments open: p95 900 ms &gt; 600 ms", "Still open after 5 min, now P1."],
        ["📝 payments: Open again."],
        ["✅ Resolved after 0 s (was P3): payments", "Over: it lasted 42 s."],
    ]


def test_people_are_notified_by_the_opening_each_stage_and_the_end(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    for step in (OPENING, STAGE, NOTE, NOTE, UPDATE, END):
        receiver.send(incident, step)
    assert [each.text.split()[0] for each in workspace.channel] == ["✅", "⏫", "✅"]


def test_an_update_changes_the_message_and_posts_nothing(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    receiver.send(incident, OPENING)
    receiver.send(incident, UPDATE)
    (root,) = workspace.messages
    assert root.edits == 1
    assert root.lines[0].startswith("🚨 *P3* payments")


def test_where_the_message_is_survives_a_restart(
    workspace: SlackWorkspace, make: Make, incident: Incident
) -> None:
    make("#ops").send(incident, OPENING)
    (root,) = workspace.messages
    again = Incident.from_dict(json.loads(json.dumps(incident.as_dict())))
    assert reference(again) == f"{CHANNEL}/{root.ts}"
    make("#ops").send(again, STAGE)
    assert [each.thread_ts for each in workspace.messages] == ["", root.ts]
    assert root.edits == 1


# --- what is lost


def test_an_opening_whose_answer_is_lost_is_found_and_not_posted_twice(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    assert not receiver.has_applied(incident, OPENING)
    workspace.lost.add("chat.postMessage")
    lose(receiver, incident, OPENING)
    assert receiver.has_applied(incident, OPENING)
    (root,) = workspace.messages
    assert reference(incident) == f"{CHANNEL}/{root.ts}"


def test_the_message_of_another_incident_is_not_taken_for_it(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    receiver.send(incident, OPENING)
    other = Incident.from_dict(incident.as_dict() | {"alias": "another", "deliveries": {}})
    assert not receiver.has_applied(other, OPENING)
    assert reference(other) == ""
    assert len(workspace.messages) == 1


@pytest.mark.parametrize("step", [STAGE, NOTE, END])
def test_a_reply_whose_answer_is_lost_is_found(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident, step: Step
) -> None:
    receiver.send(incident, OPENING)
    assert not receiver.has_applied(incident, step)
    workspace.lost.add("chat.postMessage")
    lose(receiver, incident, step)
    assert receiver.has_applied(incident, step)
    assert len(workspace.messages) == 2


def test_an_edit_whose_answer_is_lost_posts_nothing_twice(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    receiver.send(incident, OPENING)
    workspace.lost.add("chat.update")
    lose(receiver, incident, STAGE)
    assert not receiver.has_applied(incident, STAGE)
    receiver.send(incident, STAGE)
    assert [each.broadcast for each in workspace.messages] == [False, True]


def test_an_opening_that_was_lost_is_ended_if_the_incident_is_over_by_then(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    workspace.lost.add("chat.postMessage")
    lose(receiver, incident, OPENING)
    receiver.send(incident, END)
    root, last = workspace.messages
    assert root.text.startswith("✅")
    assert last.thread_ts == root.ts


def test_without_the_scope_to_read_it_is_posted_again(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    workspace.may_read = False
    workspace.lost.add("chat.postMessage")
    lose(receiver, incident, OPENING)
    with pytest.raises(UnauthorizedError, match="channels:history"):
        receiver.has_applied(incident, OPENING)
    receiver.send(incident, END)
    assert [each.text[0] for each in workspace.channel] == ["🚨", "✅"]


def test_without_the_channels_id_nothing_is_looked_up(
    server: RecordingServer, workspace: SlackWorkspace, make: Make, incident: Incident
) -> None:
    receiver = make("#ops")
    workspace.lost.add("chat.postMessage")
    lose(receiver, incident, OPENING)
    assert not receiver.has_applied(incident, OPENING)
    assert {request.path for request in server.requests} == {"/api/chat.postMessage"}


# --- what people do


@pytest.mark.parametrize(
    ("step", "sign", "known"), [(STAGE, "⏫", True), (NOTE, "📝", False), (END, "✅", False)]
)
def test_what_somebody_deleted_is_posted_anew(
    workspace: SlackWorkspace,
    receiver: SlackBotReceiver,
    incident: Incident,
    step: Step,
    sign: str,
    *,
    known: bool,
) -> None:
    receiver.send(incident, OPENING)
    workspace.delete(workspace.messages[0].ts)
    receiver.send(incident, step)
    (message,) = workspace.channel
    assert message.text.startswith(sign)
    assert not message.thread_ts
    assert bool(reference(incident)) is known


def test_an_update_of_what_somebody_deleted_disturbs_nobody(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    receiver.send(incident, OPENING)
    workspace.delete(workspace.messages[0].ts)
    receiver.send(incident, UPDATE)
    receiver.send(incident, UPDATE)
    assert workspace.messages == []
    assert reference(incident) == ""


def test_a_message_that_may_not_be_edited_any_more_holds_up_no_stage(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    receiver.send(incident, OPENING)
    workspace.fail("chat.update", "edit_window_closed")
    receiver.send(incident, STAGE)
    root, stage = workspace.messages
    assert root.edits == 0
    assert stage.broadcast


def test_a_receiver_that_had_a_webhook_before_goes_on(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    incident.delivery_to(receiver.name).created = True
    receiver.send(incident, UPDATE)
    receiver.send(incident, STAGE)
    receiver.send(incident, END)
    root, last = workspace.messages
    assert root.edits == 1
    assert last.thread_ts == root.ts


def test_an_alert_that_is_gone_is_not_continued(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    receiver.send(incident, OPENING)
    incident.delivery_to(receiver.name).mark_missing()
    receiver.send(incident, STAGE)
    assert [each.thread_ts for each in workspace.messages] == ["", ""]


# --- what goes wrong


def test_the_channel_is_the_one_of_the_settings(
    server: RecordingServer, workspace: SlackWorkspace, make: Make, incident: Incident
) -> None:
    with pytest.raises(InvalidRequestError, match="channel_not_found"):
        make("#other").send(incident, OPENING)
    assert workspace.messages == []
    assert server.requests[0].json["channel"] == "#other"


def test_a_token_that_is_wrong_is_told_and_not_shown(
    workspace: SlackWorkspace, make: Make, incident: Incident
) -> None:
    with pytest.raises(UnauthorizedError) as failure:
        make(token="xoxb-another").send(incident, OPENING)
    assert "xoxb-another" not in str(failure.value)
    assert workspace.messages == []


def test_an_answer_without_a_place_is_tried_again(
    server: RecordingServer, receiver: SlackBotReceiver, incident: Incident
) -> None:
    server.replies = [Reply(200, {"ok": True})]
    with pytest.raises(UnavailableError, match="no ts"):
        receiver.send(incident, OPENING)
    assert reference(incident) == ""


def test_a_pause_that_slack_asks_for_is_kept(
    workspace: SlackWorkspace, receiver: SlackBotReceiver, incident: Incident
) -> None:
    workspace.fail("chat.postMessage", "ratelimited")
    with pytest.raises(RateLimitedError):
        receiver.send(incident, OPENING)


def test_a_picture_is_not_posted(
    server: RecordingServer, receiver: SlackBotReceiver, incident: Incident
) -> None:
    assert receiver.send(incident, Step(StepKind.ATTACH)) == ""
    assert receiver.preview(incident, Step(StepKind.ATTACH)) == ""
    assert server.requests == []


@pytest.mark.parametrize(
    ("step", "messages"), [(OPENING, 1), (UPDATE, 1), (NOTE, 1), (STAGE, 2), (END, 2)]
)
def test_the_preview_shows_each_message_without_the_token(
    receiver: SlackBotReceiver, incident: Incident, step: Step, messages: int
) -> None:
    text = receiver.preview(incident, step)
    assert text.count('"text": "') - text.count('"mrkdwn"') == messages
    assert TOKEN not in text
    assert incident.deliveries == {}


def test_people_are_not_asked_for_what_a_message_has_not(
    receiver: SlackBotReceiver, incident: Incident
) -> None:
    assert receiver.request_state("any") is RequestState.DONE
    assert receiver.alert_state(incident) is AlertState.UNKNOWN
