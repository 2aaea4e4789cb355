"""Checks of the database of incidents, whether or not a service has it open.

Nothing is written, created or quarantined: a transaction that is rolled back shows whether the file
can be written.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from breakerd.alerts.doctor.finding import Finding, fail, ok, unknown, warning
from breakerd.alerts.model.delivery_plan import is_behind
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.model.text import format_duration
from breakerd.alerts.receivers.factory import configured_receivers
from breakerd.alerts.receivers.log import LogReceiver
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.storage.liveness_lock import LivenessLock
from breakerd.alerts.storage.schema import FORMAT

_LATEST: Final = 200
"""Maximum number of incidents searched for the last delivery."""
_MAX_NAMED: Final = 5
"""Maximum number of dead letters that are listed one by one."""


@dataclass(frozen=True, slots=True)
class DatabaseContent:
    """Content of a database.

    Attributes:
        leader: id of the process that sends alerts; empty if none does.
        unfinished: incidents that are open, or have undelivered steps.
        latest: the latest incidents, including finished ones.
    """

    leader: str
    unfinished: list[Incident]
    latest: list[Incident]


def check_database(settings: AlertingSettings, now: float) -> Iterator[Finding]:
    """Check the database, and yield each finding as soon as it is known."""
    path = Path(settings.alerts.database).absolute()
    if not path.exists():
        yield _check_creatable(path)
        return
    try:
        content = _inspect(path)
    except (sqlite3.Error, OSError) as error:
        yield fail("database", f"{path}: {error}", "repair it: incidents are kept in memory only")
        return
    yield ok("database", f"{path} is readable and writable")
    yield _check_sender(path, content.leader)
    yield _check_pending(settings, content, now)
    yield from _check_dead_letters(content)
    yield _check_last_delivery(content, now)


def _check_creatable(path: Path) -> Finding:
    """Check that a missing file can be created."""
    folder = next(each for each in path.parents if each.exists())
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return ok("database", f"{path} does not exist yet; the service creates it")
    advice = "make the folder writable, or set `[alerts] database` to another path"
    return fail("database", f"{path} cannot be created: {folder} is not writable", advice)


def _inspect(path: Path) -> DatabaseContent:
    """Return the content of the file.

    Raises:
        sqlite3.Error: it is damaged, of a newer format, not readable or not writable.
    """
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=2.0)) as connection:
        connection.isolation_level = None
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise sqlite3.NotSupportedError(
                f"created by a newer breakerd (format {version}, supported is {FORMAT})"
            )
        if version < FORMAT:
            return DatabaseContent("", [], [])
        for (problem,) in connection.execute("PRAGMA quick_check(1)"):
            if problem != "ok":
                raise sqlite3.DatabaseError(f"damaged: {problem}")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT OR REPLACE INTO metadata VALUES ('doctor', '')")
        connection.execute("ROLLBACK")
        return _read(connection)


def _read(connection: sqlite3.Connection) -> DatabaseContent:
    leader = connection.execute("SELECT holder FROM lease").fetchone()
    unfinished = connection.execute("SELECT data FROM incidents WHERE NOT settled")
    latest = connection.execute(
        "SELECT data FROM incidents ORDER BY opened_at DESC LIMIT ?", (_LATEST,)
    )
    return DatabaseContent(leader[0] if leader else "", _incidents(unfinished), _incidents(latest))


def _incidents(cursor: sqlite3.Cursor) -> list[Incident]:
    """Return the valid incidents; the service itself reports invalid ones."""
    found = []
    for (data,) in cursor:
        try:
            found.append(Incident.from_dict(json.loads(data)))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    return found


def _check_sender(path: Path, leader: str) -> Finding:
    if not leader or LivenessLock(path, "doctor").is_dead(leader):
        return unknown("sender", "no process sends alerts at present", "start the service")
    return ok("sender", f"process {leader} of the service sends alerts")


def _check_pending(settings: AlertingSettings, content: DatabaseContent, now: float) -> Finding:
    receivers = [
        ReceiverPolicy(receiver.name, min_priority=receiver.min_priority)
        for receiver in configured_receivers(settings)
        if not receiver.fallback
    ]
    pending = [i for i in content.unfinished if any(is_behind(i, each, now) for each in receivers)]
    if not pending:
        return ok("pending", "no undelivered alerts")
    oldest = format_duration(now - min(incident.opened_at for incident in pending))
    failed = max((d.attempts for i in pending for d in i.deliveries.values()), default=0)
    found = f"{len(pending)} undelivered, the oldest for {oldest}"
    if not failed:
        return ok("pending", found)
    return warning("pending", f"{found}, after {failed} failed attempts", "see the service's log")


def _check_dead_letters(content: DatabaseContent) -> Iterator[Finding]:
    dead = [
        (incident, name, delivery.dead_letter_reason)
        for incident in content.unfinished
        for name, delivery in incident.dead_letters.items()
    ]
    if not dead:
        yield ok("dead letters", "none")
    for incident, name, reason in dead[:_MAX_NAMED]:
        advice = f"`breakerd alerts retry {incident.id}`, or `discard`"
        yield fail("dead letters", f"{incident.alias} not delivered to {name}: {reason}", advice)
    if len(dead) > _MAX_NAMED:
        found = f"{len(dead) - _MAX_NAMED} more"
        yield fail("dead letters", found, "`breakerd alerts list` shows all of them")


def _check_last_delivery(content: DatabaseContent, now: float) -> Finding:
    told = {
        state.created_at: (incident.alias, receiver)
        for incident in [*content.latest, *content.unfinished]
        for receiver, state in incident.deliveries.items()
        if receiver != LogReceiver.name and state.created_at
    }
    if not told:
        return unknown("last alert", "nobody was told of any yet", "use --send-test")
    last = max(told)
    alias, receiver = told[last]
    ago = format_duration(now - last)
    return ok("last alert", f"{alias} was delivered to {receiver} {ago} ago")
