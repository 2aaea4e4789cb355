"""Doubles of Slack, PagerDuty and a webhook, which check what their products check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Self

from tests.golden.delivered import Delivered
from tests.golden.notifications import URGENCIES
from tests.support.webhook_receiver import Received, RecordingServer, Reply


class PostedReceiver:
    """Server that records the effect of each request, with the simulated time.

    Args:
        name: name in the transcript.
        now: returns seconds since the epoch.
    """

    def __init__(self, name: str, now: Callable[[], float]) -> None:
        self.name = name
        self._now = now
        self._new: list[Delivered] = []
        self._down = False
        self.problems: list[str] = []
        """Requests that the product would have refused, or shown otherwise than meant."""
        self._server = RecordingServer(self._answer)

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__(None, None, None)

    def fail(self) -> None:
        self._down = True

    def heal(self) -> None:
        self._down = False

    def open_alerts(self) -> list[str]:
        """Alerts that are open, where the product knows that."""
        return []

    def take(self) -> list[Delivered]:
        """Return what has arrived since the last call."""
        new, self._new = self._new, []
        return new

    def _answer(self, request: Received) -> Reply:
        if self._down:
            return Reply(503, "down")
        return self.receive(request)

    def receive(self, request: Received) -> Reply:
        """Apply a request, and return the response."""
        raise NotImplementedError

    def add(self, action: str, subject: str, *, notifies: bool, **more: Any) -> None:
        """Record an effect."""
        self._new.append(
            Delivered(self._now(), self.name, action, subject, notifies=notifies, **more)
        )

    def refuse(self, status: int, problem: str, body: object) -> Reply:
        self.problems.append(problem)
        return Reply(status, body)


class SlackWebhook(PostedReceiver):
    """Incoming webhook of Slack: each request is one more message in the channel.

    Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    """

    def receive(self, request: Received) -> Reply:
        body = request.json
        if problem := slack_problem(body):
            return self.refuse(400, problem, "invalid_payload")
        self.add("message", "channel", notifies=True, texts=slack_texts(body))
        return Reply(200, "ok")


class SlackApi(PostedReceiver):
    """Slack's Web API: chat.postMessage, with threads, and chat.update.

    Source: https://docs.slack.dev/reference/methods/chat.postMessage
    """

    def __init__(self, name: str, now: Callable[[], float]) -> None:
        super().__init__(name, now)
        self._messages: dict[str, int] = {}
        """Number of each message of the channel, by its `ts`."""

    def receive(self, request: Received) -> Reply:
        if not request.headers.get("authorization", "").startswith("Bearer xoxb-"):
            return self.refuse(200, "no token", {"ok": False, "error": "not_authed"})
        method = request.path.rpartition("/")[2]
        if method.startswith("conversations."):
            return Reply(200, {"ok": True, "messages": [], "has_more": False})
        body = request.json
        if problem := slack_problem(body):
            return self.refuse(200, problem, {"ok": False, "error": "invalid_blocks"})
        if method == "chat.update":
            return self._update(body)
        if method == "chat.postMessage":
            return self._post(body)
        return self.refuse(200, method, {"ok": False, "error": "unknown_method"})

    def _post(self, body: dict[str, Any]) -> Reply:
        thread = body.get("thread_ts")
        if thread and thread not in self._messages:
            return self.refuse(200, "no thread", {"ok": False, "error": "thread_not_found"})
        ts = f"{self._now():.0f}.{len(self._messages) + 1:06}"
        self._messages[ts] = self._messages[thread] if thread else len(self._messages) + 1
        broadcast = " in the channel, too" if body.get("reply_broadcast") else ""
        action = f"reply{broadcast}" if thread else "message"
        subject = f"message {self._messages[ts]}"
        self.add(action, subject, notifies=True, texts=slack_texts(body))
        return Reply(200, {"ok": True, "channel": "C0123456789", "ts": ts})

    def _update(self, body: dict[str, Any]) -> Reply:
        ts = body.get("ts", "")
        if ts not in self._messages:
            return self.refuse(200, "no message", {"ok": False, "error": "message_not_found"})
        subject = f"message {self._messages[ts]}"
        self.add("edit", subject, notifies=False, texts=slack_texts(body))
        return Reply(200, {"ok": True, "channel": body["channel"], "ts": ts})


class PagerDuty(PostedReceiver):
    """PagerDuty's Events API v2: alerts by deduplication key.

    Source: https://developer.pagerduty.com/docs/send-alert-event
    """

    def __init__(self, name: str, now: Callable[[], float]) -> None:
        super().__init__(name, now)
        self._open: dict[str, str] = {}
        """Urgency of each open alert, by its key."""

    def receive(self, request: Received) -> Reply:
        body = request.json
        if problem := pagerduty_problem(body):
            answer = {"status": "invalid event", "message": problem, "errors": [problem]}
            return self.refuse(400, problem, answer)
        key = body.get("dedup_key", "")
        if body["event_action"] == "resolve":
            if self._open.pop(key, None):
                self.add("resolve", key, notifies=True)
        else:
            self._trigger(key, body)
        return Reply(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def open_alerts(self) -> list[str]:
        return list(self._open)

    def _trigger(self, key: str, body: dict[str, Any]) -> None:
        payload = body["payload"]
        urgency, before = URGENCIES[payload["severity"]], self._open.get(key)
        self._open[key] = urgency
        details = payload.get("custom_details", {})
        texts = {"summary": payload["summary"]}
        texts |= {name: str(payload[name]) for name in ("class", "component") if name in payload}
        texts["details"] = "\n".join(_lines(details))
        texts["links"] = "\n".join(
            f"{link.get('text', '')}: {link['href']}" for link in body.get("links", [])
        )
        self.add(
            "trigger" if before is None else "trigger again",
            key,
            notifies=urgency != before,
            summary=f"{payload['severity']}, {urgency} urgency",
            texts={name: text for name, text in texts.items() if text},
        )


class Webhook(PostedReceiver):
    """Any endpoint that takes breakerd's own JSON."""

    def receive(self, request: Received) -> Reply:
        body = request.json
        texts = {name: str(body[name]) for name in _SHOWN if body.get(name)}
        texts["breakers"] = ", ".join(body["breakers"])
        self.add(
            body["event"], body["alias"], notifies=False, summary=body["priority"], texts=texts
        )
        return Reply(200, "")


_SHOWN: Final = ("message", "note", "description")
_MAX_BLOCKS: Final = 50
_MAX_SECTION: Final = 3000
_SEVERITIES: Final = frozenset(URGENCIES)


def _lines(value: object, indent: str = "") -> Iterator[str]:
    """Return the lines of a JSON value, as PagerDuty's page shows them."""
    if isinstance(value, list):
        yield from (f"{indent}{each}" for each in value)
        return
    for name, each in value.items() if isinstance(value, dict) else ():
        if isinstance(each, list | dict):
            yield f"{indent}{name}:"
            yield from _lines(each, f"{indent}    ")
        else:
            yield f"{indent}{name}: {each}"


def slack_texts(body: dict[str, Any]) -> dict[str, str]:
    """Return what Slack shows: the blocks where there are any; `text` is in the notification."""
    blocks = "\n".join(_block_texts(body.get("blocks", []) + body.get("attachments", [])))
    return {"notification": body.get("text", ""), "message": blocks or body.get("text", "")}


def _block_texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _block_texts(each)
    elif isinstance(value, dict):
        if isinstance(text := value.get("text"), str):
            url = value.get("url")
            yield f"[{text}]({url})" if url else text
        else:
            for each in value.values():
                yield from _block_texts(each)


def slack_problem(body: dict[str, Any]) -> str:
    """Return why Slack would refuse the message; empty if it would not."""
    blocks = body.get("blocks", [])
    if not body.get("text"):
        return "no text"
    if len(blocks) > _MAX_BLOCKS:
        return f"{len(blocks)} blocks"
    sections = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    if any(not 0 < len(text) <= _MAX_SECTION for text in sections):
        return "a section is empty or too long"
    return ""


def pagerduty_problem(body: dict[str, Any]) -> str:
    """Return why PagerDuty would refuse the event; empty if it would not."""
    action, key, payload = body.get("event_action"), body.get("dedup_key", ""), body.get("payload")
    if len(str(body.get("routing_key", ""))) != 32:
        return "routing_key must have 32 characters"
    if len(key) > 255:
        return "dedup_key is longer than 255 characters"
    if action in {"acknowledge", "resolve"}:
        return "" if key else "dedup_key is missing"
    if action != "trigger" or not isinstance(payload, dict):
        return "event_action is unknown, or payload is missing"
    missing = [name for name in ("summary", "source", "severity") if not payload.get(name)]
    if missing or payload["severity"] not in _SEVERITIES or len(payload["summary"]) > 1024:
        return f"payload is invalid: {missing or payload}"
    links = body.get("links", [])
    return "" if all(link.get("href") for link in links) else "a link has no href"
