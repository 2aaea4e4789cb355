"""The emulator's HTTP: one handler, with a table of the operations it serves."""

from __future__ import annotations

import html
import json
import re
import time
import uuid
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from alerts.emulator.book import EmulatedAlert, Json, rfc3339
from alerts.emulator.faults import Fault, FaultKind
from alerts.emulator.limits import complaint

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts.emulator.server import Emulator

Answer = tuple[int, Json]

_ACTIONS: Final = {
    "close": "Close",
    "acknowledge": "Acknowledge",
    "unacknowledge": "UnAcknowledge",
    "notes": "AddNote",
    "priority": "UpdatePriority",
}
_BY: Final = ("id", "alias", "tiny")
_LIST_LIMIT: Final = 100
_BODY_LIMIT: Final = 1_000_000


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    @property
    def emulator(self) -> Emulator:
        """Whose handler this is."""
        return cast("Emulator", self.server.emulator)  # type: ignore[attr-defined]  # our server has one

    def do_GET(self) -> None:
        """Serves a GET."""
        self._serve()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815 - names of the standard library

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
        """Says nothing: the journal holds every request."""

    def _serve(self) -> None:
        url = urlsplit(self.path)
        self.route, self.query = url.path, dict(parse_qsl(url.query))
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(min(length, _BODY_LIMIT))
        if self.route == "/" or self.route.startswith("/emulator/"):
            self._serve_own(raw)
            return
        with self.emulator.changed:
            fault = self.emulator.faults.strike()
        status = 0 if fault and fault.kind is FaultKind.DOWN else self._answer(raw, fault)
        self._record(raw, status)
        if not status:
            self.close_connection = True

    def _answer(self, raw: bytes, fault: Fault | None) -> int:
        """Answers, and returns the status; 0 if the connection is to end without one."""
        kind = fault.kind if fault else None
        if fault and kind is FaultKind.SLOW:
            time.sleep(fault.delay)
        if fault and kind is FaultKind.RATE_LIMIT:
            period = f"{fault.delay:g}"
            headers = {"X-RateLimit-State": "THROTTLED", "X-RateLimit-Period-In-Sec": period}
            return self._send(429, _error("You are making too many requests!"), headers)
        if kind is FaultKind.ERROR:
            return self._send(503, _error("Service Unavailable"))
        if kind is FaultKind.HTML:
            return self._send_text(200, "<html><body>Sign in to continue</body></html>")
        if kind is FaultKind.UNAUTHORIZED or not self._knows_key():
            return self._send(401, _error("Could not authenticate"))
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            return self._send(400, _error("Request body is not valid JSON"))
        with self.emulator.changed:
            self.emulator.book.advance(time.time())
            status, answer = self._operate(body, apply=kind is not FaultKind.UNAPPLIED)
        return 0 if kind is FaultKind.DROP else self._send(status, answer)

    def _knows_key(self) -> bool:
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        keys = self.emulator.api_keys
        return scheme == "GenieKey" and bool(key) and (not keys or key in keys)

    def _operate(self, body: Any, *, apply: bool) -> Answer:  # noqa: ANN401 - JSON
        for method, pattern, operation in self._operations:
            match = re.fullmatch(pattern, self.route)
            if match and method == self.command:
                return operation(self, body, *map(unquote, match.groups()), apply=apply)
        return 404, _error("No such operation is emulated")

    # --- operations

    def _create(self, body: Any, *, apply: bool) -> Answer:  # noqa: ANN401
        return self._write("Create", body, "", apply=apply)

    def _act(self, body: Any, identifier: str, action: str, *, apply: bool) -> Answer:  # noqa: ANN401
        return self._write(_ACTIONS[action], body, identifier, apply=apply)

    def _write(self, action: str, body: Any, identifier: str, *, apply: bool) -> Answer:  # noqa: ANN401
        by = self.query.get("identifierType", "id")
        wrong = complaint(action, body)
        if by not in _BY:
            wrong = f"identifierType must be one of {', '.join(_BY)}"
        if wrong:
            return 422, _error(wrong)
        request_id = self.emulator.book.accept(
            time.time(), action, body, identifier=identifier, by=by, apply=apply
        )
        return 202, {"result": "Request will be processed", "took": 0.01, "requestId": request_id}

    def _get(self, _body: object, identifier: str, *, apply: bool) -> Answer:  # noqa: ARG002 - the table's form
        by = self.query.get("identifierType", "id")
        alert = self.emulator.book.find(identifier, by)
        return _found(alert.as_json(full=True)) if alert else _missing("Alert")

    def _list(self, _body: object, *, apply: bool) -> Answer:  # noqa: ARG002
        try:
            offset = int(self.query.get("offset", 0))
            limit = min(_LIST_LIMIT, int(self.query.get("limit", 20)))
        except ValueError:
            return 422, _error("offset and limit must be integers")
        matching = [a for a in reversed(self.emulator.book.alerts.values()) if self._matches(a)]
        page = matching[offset : offset + limit]
        return 200, {**_found([a.as_json() for a in page])[1], "paging": {}}

    def _count(self, _body: object, *, apply: bool) -> Answer:  # noqa: ARG002
        return _found({"count": sum(map(self._matches, self.emulator.book.alerts.values()))})

    def _matches(self, alert: EmulatedAlert) -> bool:
        """The simple queries: `status:open`, `alias:x`, joined by blanks or AND."""
        terms = dict(re.findall(r'(\w+)\s*:\s*"?([^\s"]+)"?', self.query.get("query", "")))
        known = {"status": alert.status, "alias": alert.alias, "priority": alert.priority}
        return all(known.get(name) == value for name, value in terms.items())

    def _notes(self, _body: object, identifier: str, *, apply: bool) -> Answer:  # noqa: ARG002
        alert = self.emulator.book.find(identifier, self.query.get("identifierType", "id"))
        if alert is None:
            return _missing("Alert")
        notes = [
            {"note": note, "owner": "System", "createdAt": rfc3339(at), "offset": str(i)}
            for i, (at, note) in enumerate(alert.notes)
        ]
        return 200, {**_found(notes)[1], "paging": {}}

    def _request_status(self, _body: object, request_id: str, *, apply: bool) -> Answer:  # noqa: ARG002
        result = self.emulator.book.result(request_id)
        return _found(result) if result else _missing("Request")

    def _heartbeat(self, _body: object, name: str, *, apply: bool) -> Answer:  # noqa: ARG002
        if name not in self.emulator.heartbeats:
            return _missing("Heartbeat")
        pinged = self.emulator.heartbeats[name]
        return _found(
            {
                "name": name,
                "description": "",
                "interval": 10,
                "enabled": True,
                "intervalUnit": "minutes",
                "expired": not pinged,
                **({"lastPingTime": rfc3339(pinged)} if pinged else {}),
            }
        )

    def _ping(self, _body: object, name: str, *, apply: bool) -> Answer:  # noqa: ARG002
        # 202 also where no such heartbeat exists, as the real one answers.
        if name in self.emulator.heartbeats:
            self.emulator.heartbeats[name] = time.time()
        return 202, {"result": "PONG - Heartbeat received", "took": 0.01, "requestId": _id()}

    _operations: ClassVar[tuple[tuple[str, str, Callable[..., Answer]], ...]] = (
        ("POST", r"/v2/alerts", _create),
        ("GET", r"/v2/alerts", _list),
        ("GET", r"/v2/alerts/count", _count),
        ("GET", r"/v2/alerts/requests/([^/]+)", _request_status),
        ("GET", r"/v2/alerts/([^/]+)", _get),
        ("GET", r"/v2/alerts/([^/]+)/notes", _notes),
        ("POST", r"/v2/alerts/([^/]+)/(close|acknowledge|unacknowledge|notes)", _act),
        ("PUT", r"/v2/alerts/([^/]+)/(priority)", _act),
        ("GET", r"/v2/heartbeats/([^/]+)", _heartbeat),
        ("GET", r"/v2/heartbeats/([^/]+)/ping", _ping),
    )

    # --- the emulator's own pages

    def _serve_own(self, raw: bytes) -> None:
        emulator = self.emulator
        if (self.command, self.route) == ("GET", "/"):
            self._send_text(200, _page(emulator.alerts()))
        elif (self.command, self.route) == ("GET", "/emulator/alerts"):
            alerts = [{**a.as_json(full=True), **_inside(a)} for a in emulator.alerts()]
            self._send(200, {"alerts": alerts})
        elif (self.command, self.route) == ("GET", "/emulator/journal"):
            self._send(200, {"requests": [asdict(entry) for entry in emulator.journal()]})
        elif (self.command, self.route) == ("POST", "/emulator/faults"):
            self._add_fault(raw)
        elif (self.command, self.route) == ("DELETE", "/emulator/faults"):
            emulator.heal()
            self._send(200, {"faults": []})
        else:
            self._send(404, _error("the emulator serves /, /emulator/alerts, journal and faults"))

    def _add_fault(self, raw: bytes) -> None:
        try:
            wanted = json.loads(raw)
            self.emulator.fail(wanted.pop("kind"), **wanted)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            kinds = ", ".join(FaultKind)
            example = '{"kind": "error", "share": 0.3, "times": 5, "delay": 1}'
            self._send(422, _error(f"{error!r}; wanted {example}; kinds: {kinds}"))
        else:
            self._send(200, {"faults": [asdict(f) for f in self.emulator.faults.active]})

    # --- answers

    def _send(self, status: int, answer: Json, headers: dict[str, str] | None = None) -> int:
        content = json.dumps(answer).encode()
        return self._write_out(status, content, "application/json", headers or {})

    def _send_text(self, status: int, page: str) -> int:
        return self._write_out(status, page.encode(), "text/html; charset=utf-8", {})

    def _write_out(self, status: int, content: bytes, kind: str, headers: dict[str, str]) -> int:
        self.send_response(status)
        for name, value in (headers | {"Content-Type": kind}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return status

    def _record(self, raw: bytes, status: int) -> None:
        from alerts.emulator.server import Entry  # noqa: PLC0415 - the server is made of handlers

        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw.decode(errors="replace")
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "authorization" in headers:
            headers["authorization"] = headers["authorization"].partition(" ")[0] + " ***"
        self.emulator.record(
            Entry(time.time(), self.command, self.route, self.query, headers, body, status)
        )


def _id() -> str:
    return str(uuid.uuid4())


def _error(message: str) -> Json:
    return {"message": message, "took": 0.01, "requestId": _id()}


def _missing(what: str) -> Answer:
    return 404, _error(f"{what} not found. It might not be processed, yet.")


def _found(data: Any) -> Answer:  # noqa: ANN401 - JSON
    return 200, {"data": data, "took": 0.01, "requestId": _id()}


def _inside(alert: EmulatedAlert) -> Json:
    """What the API does not show: what happened to the alert, and when."""
    history = [{"at": rfc3339(at), "what": what} for at, what in alert.history]
    notes = [{"at": rfc3339(at), "note": note} for at, note in alert.notes]
    return {"history": history, "notes": notes}


def _page(alerts: list[EmulatedAlert]) -> str:
    rows = "".join(
        f"<tr class={a.status}><td>{a.priority}<td>{a.status}<td>{html.escape(a.message)}"
        f"<td>{a.count}<td>{rfc3339(a.created_at)}<td><ol>"
        + "".join(f"<li>{html.escape(what)}" for _, what in a.history)
        + "</ol><td>"
        + "<br>".join(html.escape(note) for _, note in a.notes)
        for a in reversed(alerts)
    )
    return f"""<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=2>
<title>OpsGenie emulator</title><style>
body{{font:15px/1.4 system-ui;margin:2rem;color-scheme:light dark}}
table{{border-collapse:collapse;width:100%}}
td,th{{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #8884}}
.closed{{opacity:.6}} ol{{margin:0;padding-left:1.2em}}</style>
<h1>OpsGenie emulator</h1><p>{len(alerts)} alerts, newest first. This page renews itself.
<table><tr><th>Priority<th>Status<th>Message<th>Count<th>Created<th>History<th>Notes{rows}</table>"""
