"""OpsGenie's alert and heartbeat API. Pure: a request and the time in, an answer out."""

import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import unquote

from alerts.emulator.alert import EmulatedAlert, Happening, Json, rfc3339
from alerts.emulator.book import AlertBook, Write
from alerts.emulator.exchange import Answer, Request, accepted, done, found, refused
from alerts.emulator.heartbeats import Heartbeat, HeartbeatBook
from alerts.emulator.limits import complaint, heartbeat_complaint
from alerts.emulator.search import SearchError, page_of_alerts, page_of_lines, search

_IDENTIFIERS: Final = ("id", "alias", "tiny")


class RefusedError(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = refused(status, message)


class OpsGenieApi:
    """The operations, on the books they work on. Not thread-safe."""

    def __init__(self, book: AlertBook, heartbeats: HeartbeatBook) -> None:
        self._book = book
        self._heartbeats = heartbeats

    def answer(self, request: Request, now: float, *, applied: bool = True) -> Answer:
        """Carries out `request`; without `applied`, a write is taken and then fails."""
        if request.malformed:
            return refused(400, "Request body is not valid JSON")
        if not isinstance(request.body, dict | None):
            return refused(422, "Request body must be a JSON object")
        self._book.advance(now)
        call = _Call(self._book, self._heartbeats, request, now=now, applied=applied)
        try:
            operation, names = _find_operation(request)
            return operation(call, *names)
        except SearchError as error:
            return refused(422, str(error))
        except RefusedError as error:
            return error.answer


class _Call:
    """One request under way; each operation is a method."""

    def __init__(
        self,
        book: AlertBook,
        heartbeats: HeartbeatBook,
        request: Request,
        *,
        now: float,
        applied: bool,
    ) -> None:
        self.book = book
        self.heartbeats = heartbeats
        self.query = request.query
        self.body: Json = request.body if isinstance(request.body, dict) else {}
        self.now = now
        self.applied = applied

    # --- alerts

    def create(self) -> Answer:
        return self.write("Create")

    def write(self, action: str, identifier: str = "") -> Answer:
        by = self._identifier_type()
        if wrong := complaint(action, self.body):
            raise RefusedError(422, wrong)
        write = Write(action, self.body, identifier, by, self.applied)
        request_id = self.book.accept(self.now, write)
        if request_id is None:
            raise RefusedError(503, "Too many requests are under way")
        return accepted("Request will be processed", request_id)

    def get(self, identifier: str) -> Answer:
        return found(self._alert(identifier).as_json(full=True))

    def list_alerts(self) -> Answer:
        alerts, paging = page_of_alerts(search(self.book.alerts.values(), self.query), self.query)
        return found(alerts, paging=paging)

    def count(self) -> Answer:
        return found({"count": len(search(self.book.alerts.values(), self.query))})

    def notes(self, identifier: str) -> Answer:
        return self._lines(self._alert(identifier).notes, lambda line: {"note": line.what})

    def logs(self, identifier: str) -> Answer:
        history = self._alert(identifier).history
        return self._lines(history, lambda line: {"log": line.what, "type": "system"})

    def request_status(self, request_id: str) -> Answer:
        result = self.book.result(request_id)
        if result is None:
            raise RefusedError(404, "Request not found. It might not be processed, yet.")
        return found(result)

    def _alert(self, identifier: str) -> EmulatedAlert:
        alert = self.book.find(identifier, self._identifier_type())
        if alert is None:
            raise RefusedError(404, "Alert not found. It might not be processed, yet.")
        return alert

    def _identifier_type(self) -> str:
        by = self.query.get("identifierType", "id")
        if by not in _IDENTIFIERS:
            raise RefusedError(422, f"identifierType must be one of {', '.join(_IDENTIFIERS)}")
        return by

    def _lines(self, lines: Iterable[Happening], shown: Callable[[Happening], Json]) -> Answer:
        page, paging = page_of_lines(tuple(lines), self.query)
        data = [
            {**shown(line), "owner": line.by, "createdAt": rfc3339(line.at), "offset": offset}
            for offset, line in page
        ]
        return found(data, paging=paging)

    # --- heartbeats

    def list_heartbeats(self) -> Answer:
        heartbeats = self.heartbeats.heartbeats.values()
        return found({"heartbeats": [heartbeat.as_json(self.now) for heartbeat in heartbeats]})

    def add_heartbeat(self) -> Answer:
        if wrong := heartbeat_complaint(self.body):
            raise RefusedError(422, wrong)
        body = self.body
        heartbeat = Heartbeat(
            body["name"],
            body["interval"],
            body["intervalUnit"],
            body["enabled"],
            body.get("description", ""),
        )
        if not self.heartbeats.add(heartbeat):
            raise RefusedError(422, f"A heartbeat {heartbeat.name!r} exists, or there are too many")
        return found(heartbeat.as_json(self.now), status=201)

    def get_heartbeat(self, name: str) -> Answer:
        return found(self._heartbeat(name).as_json(self.now))

    def delete_heartbeat(self, name: str) -> Answer:
        del self.heartbeats.heartbeats[self._heartbeat(name).name]
        return done("Deleted")

    def enable_heartbeat(self, name: str) -> Answer:
        return self._switch_heartbeat(name, enabled=True)

    def disable_heartbeat(self, name: str) -> Answer:
        return self._switch_heartbeat(name, enabled=False)

    def ping(self, name: str) -> Answer:
        # 202 also where no such heartbeat exists, as the real one answers.
        if self.applied:
            self.heartbeats.ping(name, self.now)
        return accepted("PONG - Heartbeat received")

    def _switch_heartbeat(self, name: str, *, enabled: bool) -> Answer:
        heartbeat = self._heartbeat(name)
        heartbeat.enabled = enabled
        expired = heartbeat.expired(self.now)
        return found({"name": name, "enabled": enabled, "expired": expired})

    def _heartbeat(self, name: str) -> Heartbeat:
        heartbeat = self.heartbeats.heartbeats.get(name)
        if heartbeat is None:
            raise RefusedError(404, f"Heartbeat with name [{name}] not found")
        return heartbeat


_Operation = Callable[..., Answer]
"""Takes a `_Call`, and what its path holds in braces."""


def _writing(action: str) -> _Operation:
    return lambda call, identifier: call.write(action, identifier)


OPERATIONS: Final[dict[tuple[str, str], _Operation]] = {
    ("POST", "/v2/alerts"): _Call.create,
    ("GET", "/v2/alerts"): _Call.list_alerts,
    ("GET", "/v2/alerts/count"): _Call.count,
    ("GET", "/v2/alerts/requests/{requestId}"): _Call.request_status,
    ("GET", "/v2/alerts/{identifier}"): _Call.get,
    ("GET", "/v2/alerts/{identifier}/notes"): _Call.notes,
    ("GET", "/v2/alerts/{identifier}/logs"): _Call.logs,
    ("POST", "/v2/alerts/{identifier}/notes"): _writing("AddNote"),
    ("POST", "/v2/alerts/{identifier}/close"): _writing("Close"),
    ("POST", "/v2/alerts/{identifier}/acknowledge"): _writing("Acknowledge"),
    ("POST", "/v2/alerts/{identifier}/unacknowledge"): _writing("UnAcknowledge"),
    ("PUT", "/v2/alerts/{identifier}/priority"): _writing("UpdatePriority"),
    ("GET", "/v2/heartbeats"): _Call.list_heartbeats,
    ("POST", "/v2/heartbeats"): _Call.add_heartbeat,
    ("GET", "/v2/heartbeats/{name}"): _Call.get_heartbeat,
    ("DELETE", "/v2/heartbeats/{name}"): _Call.delete_heartbeat,
    ("POST", "/v2/heartbeats/{name}/enable"): _Call.enable_heartbeat,
    ("POST", "/v2/heartbeats/{name}/disable"): _Call.disable_heartbeat,
    ("GET", "/v2/heartbeats/{name}/ping"): _Call.ping,
}
"""By method and path. Where two paths match, the one that is listed first."""

_PATTERNS: Final = [
    (method, re.compile(re.sub(r"{\w+}", "([^/]+)", path)), operation)
    for (method, path), operation in OPERATIONS.items()
]


def _find_operation(request: Request) -> tuple[_Operation, list[str]]:
    allowed = set()
    for method, pattern, operation in _PATTERNS:
        if match := pattern.fullmatch(request.path):
            if method == request.method:
                return operation, [unquote(name) for name in match.groups()]
            allowed.add(method)
    if allowed:
        raise RefusedError(405, f"{request.path} takes {', '.join(sorted(allowed))}")
    raise RefusedError(501, f"{request.method} {request.path} is not emulated")
