"""Audit log: record every change with its actor, in memory and in a file of JSON lines."""

import json
import os
import socket
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypedDict, cast

from breakerd.api.security.auth import Actor
from breakerd.breaker.encoding.strict_json import dumps
from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.regular_file import require_regular

_log = get_logger(__name__)

_MAX_ENTRIES: Final = 1000
"""Maximum number of entries in memory."""


class AuditEntry(TypedDict):
    """One change. `outcome` is "done", "in memory only", "refused" or "failed".

    `user` is the name that the client gave, unchecked; empty if it gave none. `id` is unique, and
    `process` the one that was asked, as HOST:PID; both are empty in entries of earlier versions.
    """

    at: str
    right: str
    client: str
    user: str
    action: str
    breaker: str | None
    before: dict[str, object]
    after: dict[str, object]
    outcome: str
    detail: str
    id: str
    process: str


_MISSING: Final = {"user": "", "id": "", "process": ""}
_TYPES: Final = {
    **dict.fromkeys(AuditEntry.__annotations__, str),
    "breaker": str | None,
    "before": dict,
    "after": dict,
}


class AuditLog:
    """Record every requested change. Thread-safe.

    A file that cannot be written does not prevent a change: the entry is kept in memory, an error
    is logged, and `problem` holds the reason until a later entry is written.

    Args:
        path: the file; None keeps entries in memory only.
        max_bytes: size in bytes at which the file is rotated.
        backups: number of rotated files to keep.
    """

    def __init__(
        self, path: Path | None = None, *, max_bytes: int = 5_000_000, backups: int = 3
    ) -> None:
        self.problem: str | None = None
        """Reason why the last entry is not in the file; None if it is."""
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self.share: Callable[[AuditEntry], None] | None = None
        """Called with each new entry, for the other processes; fast, and raises nothing."""
        self.on_record: Callable[[AuditEntry], None] | None = None
        """Called with each new entry, for the record of this host; fast, and raises nothing."""
        self._lock = threading.Lock()
        self._torn = _is_torn(path)
        self._entries: deque[AuditEntry] = deque(_load_entries(path), maxlen=_MAX_ENTRIES)

    def record(
        self,
        actor: Actor,
        action: str,
        *,
        breaker: str | None,
        before: Mapping[str, object],
        after: Mapping[str, object],
        outcome: str,
        detail: str = "",
        shared: bool = True,
    ) -> None:
        """Record one entry. Values must be JSON-able and contain no secret.

        With `shared=False` it is for this process and its file only.
        """
        entry = AuditEntry(
            at=datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            right=actor.right,
            client=actor.client,
            user=actor.user,
            action=action,
            breaker=breaker,
            before=dict(before),
            after=dict(after),
            outcome=outcome,
            detail=detail,
            id=uuid.uuid4().hex,
            process=f"{socket.gethostname()}:{os.getpid()}",
        )
        with self._lock:
            self._entries.append(entry)
            self._write(entry)
        if shared and self.share is not None:
            self.share(entry)
        if self.on_record is not None:
            self.on_record(entry)

    def add(self, entries: Iterable[AuditEntry]) -> None:
        """Add entries of other processes, apart from those that are known; not to the file."""
        with self._lock:
            known = {each["id"] for each in self._entries}
            self._entries.extend(each for each in entries if each["id"] not in known)

    def entries(self, limit: int = 100, breaker: str | None = None) -> list[AuditEntry]:
        """Return the last `limit` entries, newest first; all, or those about one breaker."""
        with self._lock:
            # Of two at the same time the one that was known last is first.
            latest = sorted(self._entries, key=lambda each: each["at"])[::-1]
        return [each for each in latest if breaker in {None, each["breaker"]}][:limit]

    def _write(self, entry: AuditEntry) -> None:
        if self._path is None:
            return
        line = "\n" * self._torn + dumps(entry) + "\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._rotate(len(line.encode()))
            # A FIFO that nobody reads is an error at once, and not a wait.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
            handle = os.open(self._path, flags, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8") as file:
                file.write(line)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            self.problem = f"{self._path}: {getattr(error, 'strerror', None) or error}"
            _log.error("audit entry not written", problem=self.problem)
        else:
            self.problem = None
            self._torn = False

    def _rotate(self, line_bytes: int) -> None:
        if self._path is None or not self._path.is_file():
            return
        if self._path.stat().st_size + line_bytes <= self._max_bytes:
            return
        names = [self._path, *(_backup(self._path, n) for n in range(1, self._backups + 1))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        self._path.unlink(missing_ok=True)


def _backup(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _is_torn(path: Path | None) -> bool:
    """Return True if an earlier process was killed in the middle of a line."""
    content = _content(path)
    return bool(content) and not content.endswith(b"\n")


def _content(path: Path | None) -> bytes:
    """Return the bytes in the file; empty if there is none, or if it is a pipe or a device."""
    try:
        if path is None:
            return b""
        require_regular(path)
        return path.read_bytes()
    except OSError:
        return b""


def _load_entries(path: Path | None) -> list[AuditEntry]:
    """Return the readable entries of an earlier process, at most `_MAX_ENTRIES`."""
    lines = _content(path).decode(errors="replace").splitlines()[-_MAX_ENTRIES:]
    entries: list[AuditEntry] = []
    for line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):  # truncated by a crash, or not written by us
            continue
        if (found := read_entry(entry)) is not None:
            entries.append(found)
    return entries


def read_entry(data: object) -> AuditEntry | None:
    """Return the entry that was stored as a JSON object; None if it is none.

    Entries of earlier versions have no user, id and process. What a later version has added is left
    out.
    """
    if not isinstance(data, dict):
        return None
    entry = {**_MISSING, **{name: data[name] for name in _TYPES if name in data}}
    if any(not isinstance(entry.get(name), kind) for name, kind in _TYPES.items()):
        return None
    return cast("AuditEntry", entry)
