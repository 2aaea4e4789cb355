"""The alerts an emulated OpsGenie holds. Pure: `now` is passed in, and nothing is sent anywhere.

As the real one, it takes a write at once and carries it out later; whether that went well is told
by the request's status.
"""

import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

Json = dict[str, Any]

PRIORITIES: Final = ("P1", "P2", "P3", "P4", "P5")
_KEPT: Final = 20_000
"""So many alerts, and as many request results, are kept."""


@dataclass
class EmulatedAlert:
    """One alert, as OpsGenie would hold it."""

    id: str
    tiny_id: str
    alias: str
    message: str
    created_at: float
    updated_at: float
    priority: str = "P3"
    status: str = "open"
    acknowledged: bool = False
    count: int = 1
    description: str = ""
    entity: str = ""
    source: str = ""
    owner: str = ""
    closed_at: float | None = None
    tags: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    responders: list[Json] = field(default_factory=list)
    notes: list[tuple[float, str]] = field(default_factory=list)
    history: list[tuple[float, str]] = field(default_factory=list)
    """(when, what): created, deduplicated, "priority P1", note, acknowledged, closed."""

    def as_json(self, *, full: bool = False) -> Json:
        """The alert in the API's form; the list form leaves some fields out."""
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
            "lastOccurredAt": rfc3339(self.updated_at),
            "createdAt": rfc3339(self.created_at),
            "updatedAt": rfc3339(self.updated_at),
            "source": self.source,
            "owner": self.owner,
            "priority": self.priority,
            "responders": list(self.responders),
        }
        if full:
            short |= {
                "description": self.description,
                "entity": self.entity,
                "details": dict(self.details),
                "actions": [],
            }
        return short


@dataclass(frozen=True)
class _Write:
    due: float
    request_id: str
    action: str
    identifier: str
    by: str
    body: Json
    apply: bool


class AlertBook:
    """Alerts, writes on their way, and what became of them.

    Args:
        delay: seconds between taking a write and carrying it out.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.alerts: OrderedDict[str, EmulatedAlert] = OrderedDict()
        """By id, oldest first."""
        self._writes: deque[_Write] = deque()
        self._results: OrderedDict[str, Json] = OrderedDict()
        self._open: dict[str, str] = {}
        self._made = 0

    def accept(
        self,
        now: float,
        action: str,
        body: Json,
        *,
        identifier: str = "",
        by: str = "id",
        apply: bool = True,
    ) -> str:
        """Takes a write; returns the id of the request.

        Without `apply` it will be reported as failed, and change nothing.
        """
        request_id = str(uuid.uuid4())
        write = _Write(now + self.delay, request_id, action, identifier, by, body, apply)
        self._writes.append(write)
        self.advance(now)
        return request_id

    def advance(self, now: float) -> None:
        """Carries out the writes that are due."""
        while self._writes and self._writes[0].due <= now:
            write = self._writes.popleft()
            self._results[write.request_id] = self._carry_out(write)
            while len(self._results) > _KEPT:
                self._results.popitem(last=False)

    @property
    def next_due(self) -> float | None:
        """When the next write is due, if there is one."""
        return self._writes[0].due if self._writes else None

    def result(self, request_id: str) -> Json | None:
        """What became of a request; None if it is not known, or not carried out yet."""
        return self._results.get(request_id)

    def find(self, identifier: str, by: str = "id") -> EmulatedAlert | None:
        """The alert with that id, alias or tiny id; by alias the open one, else the latest."""
        if by == "id":
            return self.alerts.get(identifier)
        if by == "alias" and identifier in self._open:
            return self.alerts[self._open[identifier]]
        name = "alias" if by == "alias" else "tiny_id"
        found = (a for a in reversed(self.alerts.values()) if getattr(a, name) == identifier)
        return next(found, None)

    def _carry_out(self, write: _Write) -> Json:
        alert, failure = None, ""
        if not write.apply:
            failure = "Request could not be processed"
        elif write.action == "Create":
            alert = self._create(write.due, write.body)
        else:
            alert = self.find(write.identifier, write.by)
            if alert is None:
                failure = "Alert does not exist"
            elif write.action == "Close" and alert.status == "closed":
                failure = "Alert is already closed"
            else:
                self._carry[write.action](self, alert, write)
        return {
            "success": not failure,
            "isSuccess": not failure,
            "action": write.action,
            "processedAt": rfc3339(write.due),
            "integrationId": "00000000-0000-0000-0000-000000000001",
            "status": failure or _DONE[write.action],
            "alertId": alert.id if alert else "",
            "alias": alert.alias if alert else "",
        }

    def _create(self, now: float, body: Json) -> EmulatedAlert:
        alias = body.get("alias", "")
        if alias and alias in self._open:
            # Neither priority nor message follow: only the count tells that it was sent again.
            alert = self.alerts[self._open[alias]]
            alert.count += 1
            _log(alert, now, "deduplicated")
            return alert
        self._made += 1
        alert = EmulatedAlert(
            id=str(uuid.uuid4()),
            tiny_id=str(self._made),
            alias=alias,
            message=body["message"],
            created_at=now,
            updated_at=now,
            priority=body.get("priority", "P3"),
            description=body.get("description", ""),
            entity=body.get("entity", ""),
            source=body.get("source", ""),
            tags=list(body.get("tags", [])),
            details=dict(body.get("details", {})),
            responders=list(body.get("responders", [])),
        )
        alert.alias = alias or alert.id
        _log(alert, now, f"created {alert.priority}")
        self.alerts[alert.id] = alert
        self._open[alert.alias] = alert.id
        if body.get("note"):
            alert.notes.append((now, body["note"]))
        while len(self.alerts) > _KEPT:
            _, gone = self.alerts.popitem(last=False)
            self._open.pop(gone.alias, None)
        return alert

    def _close(self, alert: EmulatedAlert, write: _Write) -> None:
        alert.status, alert.closed_at = "closed", write.due
        self._open.pop(alert.alias, None)
        _note(alert, write)
        _log(alert, write.due, "closed")

    def _acknowledge(self, alert: EmulatedAlert, write: _Write) -> None:
        alert.acknowledged = True
        _note(alert, write)
        _log(alert, write.due, "acknowledged")

    def _unacknowledge(self, alert: EmulatedAlert, write: _Write) -> None:
        alert.acknowledged = False
        _note(alert, write)
        _log(alert, write.due, "unacknowledged")

    def _add_note(self, alert: EmulatedAlert, write: _Write) -> None:
        _note(alert, write)
        _log(alert, write.due, "note")

    def _set_priority(self, alert: EmulatedAlert, write: _Write) -> None:
        alert.priority = write.body["priority"]
        _log(alert, write.due, f"priority {alert.priority}")

    _carry: ClassVar = {
        "Close": _close,
        "Acknowledge": _acknowledge,
        "UnAcknowledge": _unacknowledge,
        "AddNote": _add_note,
        "UpdatePriority": _set_priority,
    }


_DONE: Final = {
    "Create": "Created alert",
    "Close": "Closed alert",
    "Acknowledge": "Acknowledged alert",
    "UnAcknowledge": "Unacknowledged alert",
    "AddNote": "Added note",
    "UpdatePriority": "Updated priority",
}


def rfc3339(timestamp: float) -> str:
    """A time as OpsGenie writes it."""
    text = datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _note(alert: EmulatedAlert, write: _Write) -> None:
    if text := write.body.get("note"):
        alert.notes.append((write.due, text))


def _log(alert: EmulatedAlert, now: float, what: str) -> None:
    alert.updated_at = now
    alert.history.append((now, what))
