"""Slack with a token: one message stands for the incident, and its thread has the rest.

A stage edits the message and posts one reply that the channel sees too; a note is a reply in the
thread only; the end edits the message and posts the last reply.

Slack has no idempotency key for messages. After a lost answer the channel is searched for the
message, whose first block has an id of its own. That needs the scope `channels:history` (private
channels: `groups:history`), and for the first message the channel's id in the settings; without
them, the message is posted again.

Sources: https://docs.slack.dev/reference/methods/chat.postMessage,
https://docs.slack.dev/reference/methods/conversations.history and, on the missing key,
https://github.com/slackapi/slack-api-specs/issues/10
"""

import hashlib
import re
from contextlib import suppress
from typing import Any, Final

from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import (
    AlertState,
    InvalidRequestError,
    RequestState,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.receivers.http import objects
from breakerd.alerts.receivers.slack.messages import Message, alone, readable, reply, root
from breakerd.alerts.receivers.slack.web_api import (
    MessageMissingError,
    NotEditableError,
    SlackWebApi,
)

_POST: Final = "chat.postMessage"
_EDIT: Final = "chat.update"
_CHANNEL_ID: Final = re.compile(r"[CDG][A-Z0-9]{8,}")
_CLOCK_DIFFERENCE: Final = 60.0
"""Maximum seconds between our clock and Slack's."""
_MAX_SEARCHED: Final = "200"
"""Number of messages that are searched after a lost answer."""
_ANNOUNCED: Final = {StepKind.PRIORITY, StepKind.CLOSE}
"""Steps whose reply the channel sees too."""


class SlackBotReceiver:
    """Receiver for one channel, through an app with a token.

    Args:
        name: name in metrics.
        api: connections to Slack.
        channel: id or name of the channel.
    """

    pages_humans = True
    accepts_attachments = False
    accepts_updates = True
    accepts_notes = True
    sends_whole = True

    def __init__(self, name: str, api: SlackWebApi, channel: str) -> None:
        self.name = name
        self._api = api
        self._channel = channel

    def send(self, incident: Incident, step: Step) -> str:
        """Post or edit what the step changes; the message's place is kept as `reference`."""
        delivery = incident.delivery_to(self.name)
        if step.kind is StepKind.CREATE:
            delivery.reference = ""
        elif step.kind is StepKind.CLOSE and not (delivery.created or delivery.reference):
            self._find_lost(incident, delivery)
        if step.kind is not StepKind.ATTACH and not self._continue(incident, step, delivery):
            self._begin(incident, step, delivery)
        return ""

    def preview(self, incident: Incident, step: Step) -> str:
        """Return the messages of the step as indented JSON: the incident's own, then the reply."""
        messages = []
        if step.kind not in {StepKind.NOTE, StepKind.ATTACH}:
            messages.append(root(incident, step, self.name))
        if step.kind in {StepKind.NOTE, *_ANNOUNCED}:
            messages.append(self._reply(incident, step))
        return readable(messages)

    def has_applied(self, incident: Incident, step: Step) -> bool:
        """True if the channel, or the thread, has the message of the step."""
        delivery = incident.delivery_to(self.name)
        marker = _marker(incident, step)
        for each in self._candidates(incident, delivery):
            blocks = objects(each.get("blocks"))
            if blocks and blocks[0].get("block_id") == marker:
                if not delivery.reference and _is_root(step):
                    delivery.reference = _reference(self._channel, str(each.get("ts", "")))
                return True
        return False

    def request_state(self, request_id: str) -> RequestState:  # noqa: ARG002 - no open requests
        """Return `DONE`: requests are never pending."""
        return RequestState.DONE

    def alert_state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - a message has none
        """Return `UNKNOWN`: a message is neither acknowledged nor closed."""
        return AlertState.UNKNOWN

    def keep_ready(self) -> None:
        """Keep sockets for when the process has no file descriptor left."""
        self._api.keep_ready()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    # --- messages

    def _begin(self, incident: Incident, step: Step, delivery: DeliveryState) -> None:
        """Post a message that does not belong to one before it."""
        if step.kind is StepKind.UPDATE:
            return
        answer = self._post(incident, step, alone(incident, step, self.name), self._channel)
        if _is_root(step):
            delivery.reference = _reference(str(answer.get("channel", "")), str(answer["ts"]))

    def _find_lost(self, incident: Incident, delivery: DeliveryState) -> None:
        """Look for the first message, if its answer was lost and the incident is over already."""
        with suppress(UnauthorizedError, InvalidRequestError):
            self.has_applied(incident, Step(StepKind.CREATE, number=delivery.reopenings))

    def _continue(self, incident: Incident, step: Step, delivery: DeliveryState) -> bool:
        """Bring the present message up to date; return False if there is none any more."""
        channel, _, ts = delivery.reference.partition("/")
        if not ts:
            return False
        try:
            if step.kind is not StepKind.NOTE:
                self._edit(channel, ts, root(incident, step, self.name))
            if step.kind is not StepKind.UPDATE:
                self._post(incident, step, self._reply(incident, step), channel, thread_ts=ts)
        except MessageMissingError:
            delivery.reference = ""
        return bool(delivery.reference)

    def _edit(self, channel: str, ts: str, message: Message) -> None:
        # The reply says it all, so a message that may not be edited any more holds up nothing.
        try:
            text, blocks = message["text"], message["blocks"]
            self._api.write(_EDIT, {"channel": channel, "ts": ts, "text": text, "blocks": blocks})
        except NotEditableError:
            return

    def _reply(self, incident: Incident, step: Step) -> Message:
        message = reply(incident, step, self.name)
        return message | {"reply_broadcast": True} if step.kind in _ANNOUNCED else message

    def _post(
        self, incident: Incident, step: Step, message: Message, channel: str, **place: str
    ) -> dict[str, Any]:
        heading, *rest = message["blocks"]
        blocks = [{**heading, "block_id": _marker(incident, step)}, *rest]
        body = {"channel": channel, **place, **message, "blocks": blocks}
        answer = self._api.write(_POST, body)
        if "ts" not in answer:
            raise UnavailableError(f"{_POST}: the answer has no ts")
        return answer

    def _candidates(self, incident: Incident, delivery: DeliveryState) -> list[dict[str, Any]]:
        """Return the messages among which one may be whose answer was lost."""
        channel, _, ts = delivery.reference.partition("/")
        if ts:
            arguments = {"channel": channel, "ts": ts, "limit": _MAX_SEARCHED}
            return objects(self._api.read("conversations.replies", arguments).get("messages"))
        if not _CHANNEL_ID.fullmatch(self._channel):
            return []
        oldest = f"{incident.opened_at - _CLOCK_DIFFERENCE:.6f}"
        arguments = {"channel": self._channel, "oldest": oldest, "limit": _MAX_SEARCHED}
        return objects(self._api.read("conversations.history", arguments).get("messages"))


def _is_root(step: Step) -> bool:
    return step.kind in {StepKind.CREATE, StepKind.PRIORITY}


def _reference(channel: str, ts: str) -> str:
    return f"{channel}/{ts}"


def _marker(incident: Incident, step: Step) -> str:
    """Return the id of the first block, which is the same whenever a step is sent again."""
    what = f"{incident.alias}|{step.kind}|{step.number}"
    return f"breakerd-{hashlib.sha256(what.encode()).hexdigest()[:32]}"
