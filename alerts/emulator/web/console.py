"""Console of the emulator: its own paths beside the API, for its content and its faults."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Final, Protocol

from breakerd.alerts.emulator.api.messages import Request, Response, refused
from breakerd.alerts.emulator.faults.fault import Fault, FaultError, FaultKind, schedule_from_json
from breakerd.alerts.emulator.state.alert import EmulatedAlert, Json, rfc3339
from breakerd.alerts.emulator.state.alerts import Summary
from breakerd.alerts.emulator.state.request_log import LogEntry
from breakerd.alerts.emulator.web.page import page

_SERVED: Final = (
    "GET /, GET /emulator/alerts, GET /emulator/requests, GET /emulator/summary, "
    "GET, POST and DELETE /emulator/faults"
)


class Console(Protocol):
    """Interface of what the console shows and changes."""

    @property
    def mode(self) -> str:
        """Product whose API is served."""
        ...

    def between(self, start: float, end: float) -> list[LogEntry]:
        """Return the logged requests that arrived in [start, end)."""
        ...

    def summary(self) -> Summary:
        """Return counts of all alerts."""
        ...

    def alerts(self) -> list[EmulatedAlert]:
        """Return all alerts."""
        ...

    def faults(self) -> list[Json]:
        """Return the active faults."""
        ...

    def schedule(self, faults: Iterable[Fault]) -> None:
        """Add faults, each active after its time."""
        ...

    def heal(self) -> None:
        """Remove all faults."""
        ...


def is_console_path(path: str) -> bool:
    """True if `path` belongs to the console."""
    return not path.startswith(("/v2/", "/jsm/"))


def answer_console(console: Console, request: Request) -> Response:  # noqa: PLR0911 - a table of pages
    """Return the response to a request to the console."""
    match request.method, request.path:
        case "GET", "/":
            return Response(200, page(console.alerts(), console.mode))
        case "GET", "/emulator/alerts":
            return Response(200, {"alerts": [_in_full(alert) for alert in console.alerts()]})
        case "GET", "/emulator/requests":
            return _requests(console, request)
        case "GET", "/emulator/summary":
            return Response(200, asdict(console.summary()))
        case "GET", "/emulator/faults":
            return Response(200, {"faults": console.faults()})
        case "POST", "/emulator/faults":
            return _schedule(console, request)
        case "DELETE", "/emulator/faults":
            console.heal()
            return Response(200, {"faults": []})
    return refused(404, f"{request.method} {request.path}: served are {_SERVED}, and the API")


def _requests(console: Console, request: Request) -> Response:
    try:
        start = _time(request.query.get("from"), -math.inf)
        end = _time(request.query.get("to"), math.inf)
    except ValueError as error:
        return refused(422, f"from and to are times such as 2027-01-15T08:00:00Z: {error}")
    return Response(200, {"requests": [one.as_json() for one in console.between(start, end)]})


def _time(text: str | None, default: float) -> float:
    return default if text is None else datetime.fromisoformat(text).timestamp()


def _schedule(console: Console, request: Request) -> Response:
    try:
        faults = schedule_from_json(request.body)
        if any(fault.kind is FaultKind.REFUSE and fault.lasting is None for fault in faults):
            return refused(422, "refuse: needs lasting, since no request could remove it")
        console.schedule(faults)
    except FaultError as error:
        return refused(422, str(error))
    return Response(200, {"faults": console.faults()})


def _in_full(alert: EmulatedAlert) -> Json:
    """Return the alert with all that OpsGenie's API shows elsewhere, or not at all."""
    return {
        **alert.as_json(full=True),
        "closedAt": None if alert.closed_at is None else rfc3339(alert.closed_at),
        "attachments": [
            {"name": file.name, "type": file.content_type, "size": len(file.content)}
            for file in alert.attachments
        ],
        "history": [{"at": rfc3339(line.at), "what": line.what} for line in alert.history],
        "notes": [{"at": rfc3339(line.at), "note": line.what} for line in alert.notes],
    }
