"""Audit log of all processes of a fleet: each shows the changes that any of them was asked for."""

import json
from collections import deque
from typing import Final, cast

from breakerd.api.security.audit import AuditEntry, AuditLog, read_entry
from breakerd.breaker.encoding.strict_json import dumps
from breakerd.breaker.fleet.hub.store import AUDIT, Changes
from breakerd.breaker.fleet.runtime.fleet import Fleet
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_OWN: Final = 100
"""Number of this process's latest entries that are brought back to a hub that forgot them."""
_NEVER_SHARED: Final = ("api.", "fleet.", "alerts.receivers.")
"""Beginnings of settings whose values do not leave this host."""
_ADDRESS: Final = "url"
_NOT_SHARED: Final = "(not shared)"


class SharedAudit:
    """Brings the entries of an audit log to the other processes, and theirs to it. Thread-safe.

    Values of `[api]`, `[fleet]` and of receivers are not brought to the hub.

    Args:
        log: the log of this process.
        fleet: membership of this process.
    """

    topic: Final = AUDIT

    def __init__(self, log: AuditLog, fleet: Fleet) -> None:
        self._log = log
        self._fleet = fleet
        self._own: deque[tuple[str, str]] = deque(maxlen=_OWN)
        """Id and text of the latest entries of this process."""
        self._epoch = ""
        log.share = self._share
        fleet.follow(self)

    def take(self, changes: Changes) -> None:
        """Add the entries of other processes; bring back what the hub has forgotten."""
        self._log.add(_entries(changes))
        if changes.epoch != self._epoch:
            self._epoch = changes.epoch
            there = {each.key for each in changes.entries}
            for key, text in list(self._own):
                if key not in there:
                    self._fleet.publish(AUDIT, key, text)

    def _share(self, entry: AuditEntry) -> None:
        text = dumps(_without_secrets(entry))
        self._own.append((entry["id"], text))
        try:
            self._fleet.publish(AUDIT, entry["id"], text)
        except ValueError as error:
            _log.warning("an audit entry is in this process only", problem=str(error))


def _entries(changes: Changes) -> list[AuditEntry]:
    """Return the entries that can be read; what somebody else has written there is left out."""
    found = []
    for each in changes.entries:
        try:
            entry = read_entry(json.loads(each.value))
        except (ValueError, RecursionError):
            entry = None
        if entry is not None and entry["id"] == each.key:
            found.append(entry)
        elif each.value:
            _log.warning("an audit entry at the hub is invalid", key=each.key)
    return found


def _without_secrets(entry: AuditEntry) -> AuditEntry:
    changed = {
        side: {
            name: _NOT_SHARED if _is_kept_here(name) else value for name, value in values.items()
        }
        for side, values in (("before", entry["before"]), ("after", entry["after"]))
    }
    return cast("AuditEntry", {**entry, **changed})


def _is_kept_here(name: str) -> bool:
    return name.startswith(_NEVER_SHARED) or _ADDRESS in name
