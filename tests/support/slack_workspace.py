"""Slack's Web API as far as receivers use it, with one channel and its messages, for tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.support.webhook_receiver import Received, Reply

CHANNEL = "C0123456789"
TOKEN = "xoxb-hidden-token"


@dataclass
class SlackMessage:
    """Message in the channel, or in a thread."""

    ts: str
    text: str
    blocks: list[dict[str, Any]]
    thread_ts: str = ""
    broadcast: bool = False
    edits: int = 0

    @property
    def lines(self) -> list[str]:
        """Text of each block."""
        return [block["text"]["text"] for block in self.blocks]


@dataclass
class SlackWorkspace:
    """State of the channel. `errors` are given in place of the next answers, by method."""

    messages: list[SlackMessage] = field(default_factory=list)
    errors: dict[str, list[Reply]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    """Methods whose next request takes effect, and is not answered."""
    may_read: bool = True

    @property
    def channel(self) -> list[SlackMessage]:
        """Messages that the channel shows: those of no thread, and what is broadcast."""
        return [each for each in self.messages if not each.thread_ts or each.broadcast]

    def thread(self, ts: str) -> list[SlackMessage]:
        return [each for each in self.messages if each.thread_ts == ts]

    def delete(self, ts: str) -> None:
        self.messages = [each for each in self.messages if each.ts != ts]

    def fail(self, method: str, error: str, **more: Any) -> None:
        """Answer the next call of `method` with an error, as Slack does: with status 200."""
        reply = Reply(200, {"ok": False, "error": error, **more})
        self.errors.setdefault(method, []).append(reply)

    def answer(self, request: Received) -> Reply:
        method = request.path.rsplit("/", 1)[1]
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(200, {"ok": False, "error": "invalid_auth"})
        if self.errors.get(method):
            return self.errors[method].pop(0)
        body = json.loads(request.body) if request.body else request.query
        reply = self._respond(method, body)
        if method in self.lost:
            self.lost.discard(method)
            return Reply(raw=b"")
        return Reply(200, reply)

    def _respond(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        if body["channel"] not in {CHANNEL, "#ops"}:
            return {"ok": False, "error": "channel_not_found"}
        if method == "chat.postMessage":
            return self._post(body)
        if method == "chat.update":
            return self._update(body)
        if not self.may_read:
            return {"ok": False, "error": "missing_scope", "needed": "channels:history"}
        ts = body.get("ts", "")
        found = [each for each in self.messages if ts in {each.thread_ts, each.ts}]
        return {"ok": True, "messages": [{"ts": m.ts, "blocks": m.blocks} for m in found]}

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        parent = body.get("thread_ts", "")
        if parent and not any(each.ts == parent for each in self.messages):
            return {"ok": False, "error": "thread_not_found"}
        ts = f"1800000000.{len(self.messages):06d}"
        broadcast = bool(body.get("reply_broadcast"))
        made = SlackMessage(ts, body["text"], body["blocks"], parent, broadcast)
        self.messages.append(made)
        return {"ok": True, "channel": CHANNEL, "ts": ts}

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["channel"] != CHANNEL:
            return {"ok": False, "error": "channel_not_found"}
        for each in self.messages:
            if each.ts == body["ts"]:
                each.text, each.blocks = body["text"], body["blocks"]
                each.edits += 1
                return {"ok": True, "channel": CHANNEL, "ts": each.ts}
        return {"ok": False, "error": "message_not_found"}
