"""The emulator's own pages, beside OpsGenie's API: what it holds, and what is to go wrong."""

from typing import Final, Protocol

from alerts.emulator.alert import EmulatedAlert, Json, rfc3339
from alerts.emulator.exchange import Answer, Entry, Request, refused
from alerts.emulator.faults import Fault, FaultError
from alerts.emulator.page import page

_SERVED: Final = (
    "GET /, GET /emulator/alerts, GET /emulator/journal, GET, POST and DELETE /emulator/faults"
)


class Console(Protocol):
    """What the pages show and change."""

    @property
    def requests(self) -> list[Entry]:
        """The journal."""
        ...

    def alerts(self) -> list[EmulatedAlert]:
        """All alerts."""
        ...

    def faults(self) -> list[Json]:
        """The faults in force."""
        ...

    def add_fault(self, fault: Fault) -> None:
        """Puts a fault into force."""
        ...

    def heal(self) -> None:
        """Takes all faults away."""
        ...


def is_own(path: str) -> bool:
    """Whether `path` is one of the emulator's own."""
    return not path.startswith("/v2/")


def answer_own(console: Console, request: Request) -> Answer:  # noqa: PLR0911 - a table of pages
    """Answers a request for one of the emulator's own pages."""
    match request.method, request.path:
        case "GET", "/":
            return Answer(200, page(console.alerts()))
        case "GET", "/emulator/alerts":
            return Answer(200, {"alerts": [_in_full(alert) for alert in console.alerts()]})
        case "GET", "/emulator/journal":
            return Answer(200, {"requests": [entry.as_json() for entry in console.requests]})
        case "GET", "/emulator/faults":
            return Answer(200, {"faults": console.faults()})
        case "POST", "/emulator/faults":
            return _add_fault(console, request)
        case "DELETE", "/emulator/faults":
            console.heal()
            return Answer(200, {"faults": []})
    return refused(404, f"{request.method} {request.path}: served are {_SERVED}, and /v2/…")


def _add_fault(console: Console, request: Request) -> Answer:
    try:
        console.add_fault(Fault.from_json(request.body))
    except FaultError as error:
        return refused(422, str(error))
    return Answer(200, {"faults": console.faults()})


def _in_full(alert: EmulatedAlert) -> Json:
    """With what OpsGenie's API shows elsewhere, or not at all."""
    return {
        **alert.as_json(full=True),
        "closedAt": None if alert.closed_at is None else rfc3339(alert.closed_at),
        "history": [{"at": rfc3339(line.at), "what": line.what} for line in alert.history],
        "notes": [{"at": rfc3339(line.at), "note": line.what} for line in alert.notes],
    }
