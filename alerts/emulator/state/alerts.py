"""Alerts of an emulated OpsGenie. Pure: `now` is passed in, and nothing is sent anywhere.

Like OpsGenie, it accepts a write at once and executes it later; the request's status shows the
outcome.
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import ClassVar, Final
from uuid import uuid4

from breakerd.alerts.emulator.state.alert import (
    INTEGRATION,
    EmulatedAlert,
    Json,
    responder_json,
    rfc3339,
)
from breakerd.alerts.emulator.state.attachment import Attachment

_KEPT: Final = 10_000
"""Maximum number of alerts, of results, and of pending writes."""

MAX_ATTACHMENTS: Final = 20
"""Maximum number of files attached to one alert."""

TAGS: Final = 20
"""Maximum number of tags of one alert."""

DETAILS: Final = 8_000
"""Maximum length of the details of one alert, names and values together."""


@dataclass(frozen=True, slots=True)
class Write:
    """Write: an action on an alert.

    Attributes:
        by: type of `identifier`: "id", "alias" or "tiny".
        applied: False: it is accepted, and then fails.
        delay: seconds until it is executed; None: the delay of the store.
    """

    action: str
    body: Json
    identifier: str = ""
    by: str = "id"
    applied: bool = True
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of all alerts since the start.

    Attributes:
        opened: number of alerts created.
        duplicates: number of create requests for an open alert, which only raised its count.
        closed: number of alerts closed, and not deleted since.
        deleted: number of alerts deleted.
        open: aliases of the open alerts, oldest first.
        repeated: aliases with more than one alert, among the latest that are kept.
    """

    opened: int
    duplicates: int
    closed: int
    deleted: int
    open: tuple[str, ...]
    repeated: tuple[str, ...]


class AlertStore:
    """Alerts, pending writes, and the results of earlier ones. Not thread-safe.

    Args:
        delay: seconds between accepting and executing a write.
        kept: maximum number of alerts, results and pending writes; older alerts and results go.
    """

    def __init__(self, delay: float = 0.0, *, kept: int = _KEPT) -> None:
        self.delay = delay
        self.alerts: OrderedDict[str, EmulatedAlert] = OrderedDict()
        """Alerts by id, oldest first."""
        self._kept = kept
        self._pending: list[tuple[float, int, str, Write]] = []
        self._order = count()
        self._results: OrderedDict[str, Json] = OrderedDict()
        self._open: dict[str, str] = {}
        self._latest: dict[str, str] = {}
        self._tally = {"opened": 0, "duplicates": 0, "closed": 0, "deleted": 0}
        self._made: OrderedDict[str, int] = OrderedDict()

    def accept(self, now: float, write: Write) -> str | None:
        """Accept a write; return the request's id, or None if too many are pending."""
        if len(self._pending) >= self._kept:
            return None
        request_id = str(uuid4())
        due = now + (self.delay if write.delay is None else write.delay)
        heapq.heappush(self._pending, (due, next(self._order), request_id, write))
        self.advance(now)
        return request_id

    def advance(self, now: float) -> bool:
        """Execute the writes that are due; return True if there were any."""
        any_due = False
        while self._pending and self._pending[0][0] <= now:
            due, _, request_id, write = heapq.heappop(self._pending)
            self._results[request_id] = self.execute(due, write)
            while len(self._results) > self._kept:
                self._results.popitem(last=False)
            any_due = True
        return any_due

    @property
    def next_due(self) -> float | None:
        """Time at which the next pending write is due; None if none is pending."""
        return self._pending[0][0] if self._pending else None

    def result(self, request_id: str) -> Json | None:
        """Return the status of a request; None if it is unknown, or not executed yet."""
        return self._results.get(request_id)

    def find(self, identifier: str, by: str = "id") -> EmulatedAlert | None:
        """Return the alert of that id, alias or tiny id; by alias the open, else the latest one."""
        if by == "id":
            return self.alerts.get(identifier)
        if by == "alias":
            return self.alerts.get(self._open.get(identifier) or self._latest.get(identifier, ""))
        found = (a for a in reversed(self.alerts.values()) if a.tiny_id == identifier)
        return next(found, None)

    def attach(self, alert: EmulatedAlert, now: float, file: Attachment, user: str) -> str | None:
        """Attach a file at once; return its id, or None if there are too many."""
        if len(alert.attachments) >= MAX_ATTACHMENTS:
            return None
        kept = replace(file, id=str(len(alert.attachments) + 1))
        alert.attachments.append(kept)
        alert.log(now, f"attached {kept.name}", {"user": user})
        return kept.id

    def summary(self) -> Summary:
        """Return counts of all alerts since the start."""
        still_open = (alert.alias for alert in self.alerts.values() if alert.status == "open")
        repeated = (alias for alias, made in self._made.items() if made > 1)
        return Summary(**self._tally, open=tuple(still_open), repeated=tuple(repeated))

    def execute(self, now: float, write: Write) -> Json:
        """Execute a write at once; return the request's status."""
        alert, failure = self._change(now, write)
        return {
            "isSuccess": not failure,
            "action": write.action,
            "processedAt": rfc3339(now),
            "integrationId": INTEGRATION["id"],
            "status": failure or _DONE[write.action],
            "alertId": alert.id if alert else "",
            "alias": alert.alias if alert else "",
        }

    def _change(self, now: float, write: Write) -> tuple[EmulatedAlert | None, str]:
        """Return the alert of the write, and why it failed; empty if it did not."""
        if not write.applied:
            return None, "Request could not be processed"
        if write.action == "Create":
            return self._create(now, write.body), ""
        alert = self.find(write.identifier, write.by)
        if alert is None:
            return None, "Alert does not exist"
        if write.action == "Close" and alert.status == "closed":
            return alert, "Alert is already closed"
        if failure := _limit_exceeded(alert, write):
            return alert, failure
        self._changes[write.action](self, alert, now, write.body)
        return alert, ""

    def _create(self, now: float, body: Json) -> EmulatedAlert:
        alias = body.get("alias", "")
        if alias in self._open:
            # Priority and message stay: only the count shows that it was sent again.
            alert = self.alerts[self._open[alias]]
            alert.count += 1
            alert.last_occurred_at = now
            alert.log(now, "deduplicated", {})
            self._tally["duplicates"] += 1
            return alert
        self._tally["opened"] += 1
        tiny_id = str(self._tally["opened"])
        alert = EmulatedAlert.from_body(now, body, id=str(uuid4()), tiny_id=tiny_id)
        self._note_made(alert.alias)
        self.alerts[alert.id] = alert
        self._open[alert.alias] = self._latest[alert.alias] = alert.id
        if len(self.alerts) > self._kept:
            self._forget(next(iter(self.alerts.values())))
        return alert

    def _note_made(self, alias: str) -> None:
        self._made[alias] = self._made.pop(alias, 0) + 1
        if len(self._made) > self._kept:
            self._made.popitem(last=False)

    def _forget(self, alert: EmulatedAlert) -> None:
        del self.alerts[alert.id]
        for ids in (self._open, self._latest):
            if ids.get(alert.alias) == alert.id:
                del ids[alert.alias]

    def _close(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.status, alert.closed_at = "closed", now
        self._open.pop(alert.alias, None)
        self._tally["closed"] += 1
        alert.log(now, "closed", body)

    def _delete(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        if alert.status == "closed":
            self._tally["closed"] -= 1
        self._tally["deleted"] += 1
        alert.log(now, "deleted", body)
        self._forget(alert)

    def _acknowledge(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.acknowledged, alert.acknowledged_at = True, now
        alert.owner = body.get("user", "")
        alert.log(now, "acknowledged", body)

    def _unacknowledge(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.acknowledged, alert.acknowledged_at, alert.owner = False, None, ""
        alert.log(now, "unacknowledged", body)

    def _add_responder(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        responder = responder_json(body["responder"])
        if responder["id"] not in {one["id"] for one in alert.responders}:
            alert.responders.append(responder)
        alert.log(now, f"responder {responder.get('name', responder['id'])}", body)

    def _add_note(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.log(now, "note", body)

    def _set_priority(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.priority = body["priority"]
        alert.log(now, f"priority {alert.priority}", body)

    def _set_message(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.message = body["message"]
        alert.log(now, f"message {alert.message}", body)

    def _set_description(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.description = body["description"]
        alert.log(now, "description", body)

    def _add_tags(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.tags = _tags_with(alert, body["tags"])
        alert.log(now, f"tags added {', '.join(body['tags'])}", body)

    def _remove_tags(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.tags = [tag for tag in alert.tags if tag not in body["tags"]]
        alert.log(now, f"tags removed {', '.join(body['tags'])}", body)

    def _add_details(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.details = alert.details | body["details"]
        alert.log(now, f"details added {', '.join(body['details'])}", body)

    def _remove_details(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        for key in body["keys"]:
            alert.details.pop(key, None)
        alert.log(now, f"details removed {', '.join(body['keys'])}", body)

    _changes: ClassVar[dict[str, Callable[["AlertStore", EmulatedAlert, float, Json], None]]] = {
        "Close": _close,
        "Delete": _delete,
        "AddResponder": _add_responder,
        "Acknowledge": _acknowledge,
        "UnAcknowledge": _unacknowledge,
        "AddNote": _add_note,
        "UpdatePriority": _set_priority,
        "UpdateMessage": _set_message,
        "UpdateDescription": _set_description,
        "AddTags": _add_tags,
        "RemoveTags": _remove_tags,
        "AddDetails": _add_details,
        "RemoveDetails": _remove_details,
    }


def _tags_with(alert: EmulatedAlert, tags: list[str]) -> list[str]:
    return list(dict.fromkeys([*alert.tags, *tags]))


def _limit_exceeded(alert: EmulatedAlert, write: Write) -> str:
    """Return why the alert cannot take what is added to it; empty if it can."""
    if write.action == "AddTags" and len(_tags_with(alert, write.body["tags"])) > TAGS:
        return f"Alert can not have more than {TAGS} tags"
    if write.action == "AddDetails":
        details = alert.details | write.body["details"]
        if sum(len(key) + len(value) for key, value in details.items()) > DETAILS:
            return f"Details can not be longer than {DETAILS} characters in all"
    return ""


_DONE: Final = {
    "Create": "Created alert",
    "Close": "Closed alert",
    "Delete": "Deleted alert",
    "AddResponder": "Added responder",
    "Acknowledge": "Acknowledged alert",
    "UnAcknowledge": "Unacknowledged alert",
    "AddNote": "Added note",
    "UpdatePriority": "Updated priority",
    "UpdateMessage": "Updated message",
    "UpdateDescription": "Updated description",
    "AddTags": "Added tags",
    "RemoveTags": "Removed tags",
    "AddDetails": "Added details",
    "RemoveDetails": "Removed details",
}
