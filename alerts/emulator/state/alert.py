"""Alerts as OpsGenie stores and shows them."""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from breakerd.alerts.emulator.state.attachment import Attachment

Json: TypeAlias = dict[str, Any]
"""JSON object whose content is checked where it is read."""

INTEGRATION: Final = {
    "id": "00000000-0000-0000-0000-000000000001",
    "name": "breakerd emulator",
    "type": "API",
}

_KEPT: Final = 1_000
"""Maximum number of notes, and of lines of history, kept for one alert."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Line of an alert's history; `at` is in seconds since the epoch."""

    at: float
    what: str
    by: str = "System"


@dataclass
class EmulatedAlert:
    """Alert. Times are in seconds since the epoch.

    Attributes:
        id: unique id, never reused.
        tiny_id: short number for people.
        alias: the sender's name for it; unique among open alerts.
        count: number of create requests while it was open.
        attachments: attached files, oldest first.
        notes: notes, oldest first.
        history: events, oldest first: `created P3`, `deduplicated`, `priority P1`,
            `note`, `responder ops`, `attached chart.png`, `acknowledged`, `unacknowledged`,
            `closed`; of updates `message payments OPEN 21 s` with the new text, `description`,
            `tags added a, b`, `tags removed a`, `details added Host`, `details removed Host`.
    """

    id: str
    tiny_id: str
    alias: str
    message: str
    created_at: float
    updated_at: float
    last_occurred_at: float
    priority: str = "P3"
    status: str = "open"
    acknowledged: bool = False
    count: int = 1
    description: str = ""
    entity: str = ""
    source: str = ""
    owner: str = ""
    acknowledged_at: float | None = None
    closed_at: float | None = None
    tags: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)
    responders: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    notes: deque[HistoryEntry] = field(default_factory=lambda: deque(maxlen=_KEPT))
    history: deque[HistoryEntry] = field(default_factory=lambda: deque(maxlen=_KEPT))

    @classmethod
    def from_body(cls, now: float, body: Json, *, id: str, tiny_id: str) -> Self:  # noqa: A002 - the field's name
        """Return the alert that the body of a create request describes."""
        alert = cls(
            id=id,
            tiny_id=tiny_id,
            alias=body.get("alias") or id,
            message=body["message"],
            created_at=now,
            updated_at=now,
            last_occurred_at=now,
            priority=body.get("priority", "P3"),
            description=body.get("description", ""),
            entity=body.get("entity", ""),
            source=body.get("source", ""),
            tags=list(body.get("tags", [])),
            details=dict(body.get("details", {})),
            actions=list(body.get("actions", [])),
            responders=[responder_json(responder) for responder in body.get("responders", [])],
        )
        alert.log(now, f"created {alert.priority}", body)
        return alert

    def log(self, now: float, what: str, body: Json) -> None:
        """Add a line to the history, and the body's note to the notes."""
        by = body.get("user") or "System"
        self.updated_at = now
        self.history.append(HistoryEntry(now, what, by))
        if note := body.get("note"):
            self.notes.append(HistoryEntry(now, note, by))

    def copy(self) -> Self:
        """Return a copy that later changes do not affect."""
        return replace(
            self,
            tags=list(self.tags),
            details=dict(self.details),
            actions=list(self.actions),
            responders=[dict(responder) for responder in self.responders],
            attachments=list(self.attachments),
            notes=self.notes.copy(),
            history=self.history.copy(),
        )

    def as_json(self, *, full: bool = False) -> Json:
        """Return the alert in the API's form; `full` adds what lists do not show."""
        short: Json = {
            "id": self.id,
            "tinyId": self.tiny_id,
            "alias": self.alias,
            "message": self.message,
            "status": self.status,
            "acknowledged": self.acknowledged,
            "isSeen": False,
            "snoozed": False,
            "tags": list(self.tags),
            "count": self.count,
            "lastOccurredAt": rfc3339(self.last_occurred_at),
            "createdAt": rfc3339(self.created_at),
            "updatedAt": rfc3339(self.updated_at),
            "source": self.source,
            "owner": self.owner,
            "priority": self.priority,
            "responders": list(self.responders),
            "integration": dict(INTEGRATION),
        }
        if not full:
            return short
        return short | {
            "description": self.description,
            "entity": self.entity,
            "details": dict(self.details),
            "actions": list(self.actions),
        }


def rfc3339(timestamp: float) -> str:
    """Return a time in OpsGenie's form: UTC, with milliseconds and a Z."""
    text = datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def id_of(kind: str, name: str) -> str:
    """Return the id of a team, user, … of that name; it is always the same."""
    return str(uuid5(NAMESPACE_URL, f"{kind}:{name}"))


def responder_json(responder: Json) -> Json:
    """Return a responder as the API shows it: with its id, whatever name was sent."""
    kind = responder["type"]
    name = responder.get("name") or responder.get("username") or ""
    shown = {"type": kind, "id": responder.get("id") or id_of(kind, name)}
    return {**shown, "name": name} if kind == "team" and name else shown
