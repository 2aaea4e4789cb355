"""The alerts of an emulated OpsGenie. Pure: `now` is passed in, and nothing is sent anywhere.

As the real one, it takes a write at once and carries it out later; whether that went well is told
by the request's status.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import uuid4

from alerts.emulator.alert import INTEGRATION, EmulatedAlert, Json, rfc3339

_KEPT: Final = 10_000
"""So many alerts, results and writes under way are kept."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write: what to do to which alert. `by` is "id", "alias" or "tiny"."""

    action: str
    body: Json
    identifier: str = ""
    by: str = "id"
    applied: bool = True
    """False: it is taken, and then fails."""


class AlertBook:
    """Alerts, writes under way, and what became of earlier ones. Not thread-safe.

    Args:
        delay: seconds between taking a write and carrying it out.
        kept: how many alerts, results and writes under way are kept; older alerts and results go.
    """

    def __init__(self, delay: float = 0.0, *, kept: int = _KEPT) -> None:
        self.delay = delay
        self.alerts: OrderedDict[str, EmulatedAlert] = OrderedDict()
        """By id, oldest first."""
        self._kept = kept
        self._under_way: deque[tuple[float, str, Write]] = deque()
        self._results: OrderedDict[str, Json] = OrderedDict()
        self._open: dict[str, str] = {}
        self._created = 0

    def accept(self, now: float, write: Write) -> str | None:
        """Takes a write; returns the request's id, or None if too many are under way."""
        if len(self._under_way) >= self._kept:
            return None
        request_id = str(uuid4())
        self._under_way.append((now + self.delay, request_id, write))
        self.advance(now)
        return request_id

    def advance(self, now: float) -> bool:
        """Carries out the writes that are due; says whether there were any."""
        any_due = False
        while self._under_way and self._under_way[0][0] <= now:
            due, request_id, write = self._under_way.popleft()
            self._results[request_id] = self._carry_out(due, write)
            while len(self._results) > self._kept:
                self._results.popitem(last=False)
            any_due = True
        return any_due

    @property
    def next_due(self) -> float | None:
        """When the next write is due, if one is under way."""
        return self._under_way[0][0] if self._under_way else None

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

    def _carry_out(self, now: float, write: Write) -> Json:
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
        """Returns the alert that the write was about, and why it failed, empty if it did not."""
        if not write.applied:
            return None, "Request could not be processed"
        if write.action == "Create":
            return self._create(now, write.body), ""
        alert = self.find(write.identifier, write.by)
        if alert is None:
            return None, "Alert does not exist"
        if write.action == "Close" and alert.status == "closed":
            return alert, "Alert is already closed"
        self._changes[write.action](self, alert, now, write.body)
        return alert, ""

    def _create(self, now: float, body: Json) -> EmulatedAlert:
        alias = body.get("alias", "")
        if alias in self._open:
            # Neither priority nor message follow: only the count tells that it was sent again.
            alert = self.alerts[self._open[alias]]
            alert.count += 1
            alert.last_occurred_at = now
            alert.log(now, "deduplicated", {})
            return alert
        self._created += 1
        alert = EmulatedAlert.from_body(now, body, id=str(uuid4()), tiny_id=str(self._created))
        self.alerts[alert.id] = alert
        self._open[alert.alias] = alert.id
        if len(self.alerts) > self._kept:
            self._forget_oldest()
        return alert

    def _forget_oldest(self) -> None:
        _, gone = self.alerts.popitem(last=False)
        if self._open.get(gone.alias) == gone.id:
            del self._open[gone.alias]

    def _close(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.status, alert.closed_at = "closed", now
        self._open.pop(alert.alias, None)
        alert.log(now, "closed", body)

    def _acknowledge(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.acknowledged, alert.owner = True, body.get("user", "")
        alert.log(now, "acknowledged", body)

    def _unacknowledge(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.acknowledged, alert.owner = False, ""
        alert.log(now, "unacknowledged", body)

    def _add_note(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.log(now, "note", body)

    def _set_priority(self, alert: EmulatedAlert, now: float, body: Json) -> None:
        alert.priority = body["priority"]
        alert.log(now, f"priority {alert.priority}", body)

    _changes: ClassVar[dict[str, Callable[["AlertBook", EmulatedAlert, float, Json], None]]] = {
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
