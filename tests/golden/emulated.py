"""Deliveries to OpsGenie's and Jira's emulators, read from the log of their requests."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import unquote

from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.state.request_log import LogEntry
from tests.golden.delivered import Delivered
from tests.golden.notifications import OPSGENIE_NOTIFIES

_ACTIONS: Final = {
    "priority": "priority",
    "notes": "note",
    "close": "close",
    "acknowledge": "acknowledge",
    "responders": "responder",
    "message": "message",
    "description": "description",
    "tags": "tags",
    "details": "details",
    "extra-properties": "details",
}
"""Last part of a path -> action."""


class EmulatedReceiver:
    """Reads what an emulator got.

    Args:
        name: name in the transcript.
        emulator: the emulator.
    """

    def __init__(self, name: str, emulator: Emulator) -> None:
        self.name = name
        self.emulator = emulator
        self._read = 0
        self._open: set[str] = set()

    @property
    def url(self) -> str:
        return self.emulator.url

    def fail(self) -> None:
        self.emulator.fail("error")

    def heal(self) -> None:
        self.emulator.heal()

    def take(self) -> list[Delivered]:
        """Return what has arrived since the last call."""
        requests = self.emulator.requests
        new, self._read = requests[self._read :], len(requests)
        return [effect for entry in new if (effect := self._effect(entry)) is not None]

    def aliases(self) -> list[str]:
        """Aliases of the open alerts, oldest first."""
        return [alert.alias for alert in self.emulator.alerts() if alert.status == "open"]

    def open_alerts(self) -> list[str]:
        return self.aliases()

    @property
    def problems(self) -> list[str]:
        """Writes that were refused, or accepted and not executed, apart from injected faults."""
        return [
            f"{self.name}: {entry.status} {entry.method} {entry.path}"
            for entry in self.emulator.requests
            if entry.method != "GET" and not 200 <= entry.status < 300 and not entry.fault
        ]

    def acknowledge(self, by: str) -> None:
        for alias in self.aliases():
            self.emulator.acknowledge(alias, by=by)

    def close(self, by: str) -> None:
        for alias in self.aliases():
            self.emulator.close(alias, by=by)
            self._open.discard(alias)

    def _effect(self, entry: LogEntry) -> Delivered | None:
        if entry.method == "GET" or not 200 <= entry.status < 300 or "heartbeat" in entry.path:
            return None
        body: dict[str, Any] = entry.body if isinstance(entry.body, dict) else {}
        _, _, rest = entry.path.partition("/alerts")
        parts = [unquote(part) for part in rest.split("/") if part]
        if not parts:
            return self._created(entry, body)
        action = _ACTIONS.get(parts[-1], f"{entry.method} {parts[-1]}")
        subject = self._alias_of(parts[0])
        if action == "close":
            self._open.discard(subject)
        return Delivered(
            entry.at,
            self.name,
            action,
            subject,
            summary=str(body.get("priority", "")),
            texts=_texts(body),
            notifies=action in OPSGENIE_NOTIFIES,
        )

    def _created(self, entry: LogEntry, body: dict[str, Any]) -> Delivered:
        alias = str(body["alias"])
        again = alias in self._open
        self._open.add(alias)
        action = "count" if again else "create"
        texts, priority = _texts(body), str(body["priority"])
        return Delivered(entry.at, self.name, action, alias, priority, texts, not again)

    def _alias_of(self, identifier: str) -> str:
        """Return the alias of an alert that is addressed by alias or by id."""
        ids = {alert.id: alert.alias for alert in self.emulator.alerts()}
        return ids.get(identifier, identifier)


def _texts(body: dict[str, Any]) -> dict[str, str]:
    """Return what a person reads, in the order of an alert's page."""
    shown = ("message", "description", "note")
    found: dict[str, str] = {name: str(body[name]) for name in shown if name in body}
    if "tags" in body:
        found["tags"] = ", ".join(body["tags"])
    details = body.get("details") or body.get("extraProperties")
    if details:
        found["details"] = "\n".join(f"{key}: {value}" for key, value in details.items())
    if "responder" in body:
        found["responder"] = json.dumps(body["responder"])
    return found
