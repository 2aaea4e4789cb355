"""What can be found out of the file of incidents, whether or not a service has it open.

Nothing is written, made or put aside: that the file may be written is found out by a transaction
that is taken back.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from breakerd.alerts.doctor.finding import Finding, bad, good, unknown, warning
from breakerd.alerts.model.delivery import Receiver
from breakerd.alerts.model.delivery_plan import owes
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.text import duration
from breakerd.alerts.receivers.factory import configured_receivers
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.storage.liveness_lock import ProcessLock
from breakerd.alerts.storage.store import FORMAT

_LATEST: Final = 200
"""So many incidents are looked at for the last that was delivered."""
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """What a file holds.

    Attributes:
        holder: the process that sends; empty if none does.
        unfinished: incidents of which something is still to be told, or that are not over.
        latest: the latest incidents, finished ones too.
    """

    holder: str
    unfinished: list[Incident]
    latest: list[Incident]


def check_database(settings: AlertingSettings, now: float) -> Iterator[Finding]:
    """What is found, one after the other."""
    path = Path(settings.alerts.database).absolute()
    if not path.exists():
        yield _to_be_made(path)
        return
    try:
        kept = _look_into(path)
    except (sqlite3.Error, OSError) as error:
        yield bad("database", f"{path}: {error}", "incidents are kept in memory only: put it right")
        return
    yield good("database", f"{path} can be read and written")
    yield _sender(path, kept.holder)
    yield _pending(settings, kept, now)
    yield from _dead_letters(kept)
    yield _last_delivery(kept, now)


def _to_be_made(path: Path) -> Finding:
    """A file that is not there yet: whether it can be."""
    folder = next(each for each in path.parents if each.exists())
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return good("database", f"{path} is not there yet; the service makes it")
    advice = "let the service write there, or set `[alerts] database` to another place"
    return bad("database", f"{path} cannot be made: {folder} may not be written", advice)


def _look_into(path: Path) -> Kept:
    """What the file holds.

    Raises:
        sqlite3.Error: it is damaged, of a later format, or may not be read or written.
    """
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=2.0)) as connection:
        connection.isolation_level = None
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise sqlite3.NotSupportedError(
                f"made by a newer breakerd (format {version}, this one knows {FORMAT})"
            )
        if version < FORMAT:
            return Kept("", [], [])
        for (problem,) in connection.execute("PRAGMA quick_check(1)"):
            if problem != "ok":
                raise sqlite3.DatabaseError(f"it is damaged: {problem}")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT OR REPLACE INTO facts VALUES ('doctor', '')")
        connection.execute("ROLLBACK")
        return _read(connection)


def _read(connection: sqlite3.Connection) -> Kept:
    holder = connection.execute("SELECT holder FROM lease").fetchone()
    unfinished = connection.execute("SELECT data FROM incidents WHERE NOT done")
    latest = connection.execute(
        "SELECT data FROM incidents ORDER BY opened_at DESC LIMIT ?", (_LATEST,)
    )
    return Kept(holder[0] if holder else "", _incidents(unfinished), _incidents(latest))


def _incidents(cursor: sqlite3.Cursor) -> list[Incident]:
    """The incidents that can be read; the service says of each other that it cannot."""
    found = []
    for (data,) in cursor:
        try:
            found.append(Incident.from_dict(json.loads(data)))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    return found


def _sender(path: Path, holder: str) -> Finding:
    if not holder or ProcessLock(path, "doctor").is_dead(holder):
        return unknown("sender", "no process sends alerts at present", "is the service running?")
    return good("sender", f"process {holder} of the service sends alerts")


def _pending(settings: AlertingSettings, kept: Kept, now: float) -> Finding:
    receivers = [
        Receiver(sink.name, min_priority=sink.min_priority)
        for sink in configured_receivers(settings)
        if not sink.fallback
    ]
    owing = [i for i in kept.unfinished if any(owes(i, each, now) for each in receivers)]
    if not owing:
        return good("pending", "nothing is still to be told")
    oldest = duration(now - min(incident.opened_at for incident in owing))
    failed = max((d.attempts for i in owing for d in i.deliveries.values()), default=0)
    found = f"{len(owing)} still to be told, the oldest for {oldest}"
    if not failed:
        return good("pending", found)
    return warning("pending", f"{found}, after {failed} failed attempts", "see the service's log")


def _dead_letters(kept: Kept) -> Iterator[Finding]:
    dead = [
        (incident, name, delivery.dead)
        for incident in kept.unfinished
        for name, delivery in incident.dead_letters.items()
    ]
    if not dead:
        yield good("dead letters", "none")
    for incident, name, why in dead[:_NAMED]:
        advice = f"`breakerd alerts retry {incident.id}`, or `discard`"
        yield bad("dead letters", f"{incident.alias} was given up by {name}: {why}", advice)
    if len(dead) > _NAMED:
        found = f"{len(dead) - _NAMED} more"
        yield bad("dead letters", found, "`breakerd alerts list` shows all of them")


def _last_delivery(kept: Kept, now: float) -> Finding:
    told = {incident.told_at: incident.alias for incident in [*kept.latest, *kept.unfinished]}
    last = max(told, default=0.0)
    if not last:
        return unknown("last alert", "none was delivered yet", "--send-test tries it")
    return good("last alert", f"{told[last]} was delivered {duration(now - last)} ago")
