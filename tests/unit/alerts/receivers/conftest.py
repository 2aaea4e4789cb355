from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.step import Step, StepKind
from tests.support.webhook_receiver import Received, RecordingServer, Reply

CONTENT = AlertContent(
    message="payments open: p95 900 ms > 600 ms",
    description="It <opened> & rejects calls.",
    entity="payments",
    source="breakerd",
    team="ops",
    tags=["Team:ops"],
    details={"Host": "box", "Runbook": "https://runbook/payments", "Percentile": "900 ms"},
)
LIFE = (
    Step(StepKind.CREATE, priority="P3"),
    Step(StepKind.NOTE, note="Still open after 1 min."),
    Step(StepKind.PRIORITY, priority="P2", number=1),
    Step(StepKind.PRIORITY, priority="P1", number=2),
    Step(StepKind.NOTE, note="Still open after 10 min.", number=1),
    Step(StepKind.CLOSE, note="Over: it lasted 11 min.", number=2),
)
"""An incident from its beginning to its end."""


class Integration:
    """As much of the API as a receiver sees: requests are accepted, and then known by their id."""

    def __init__(self) -> None:
        self.accepted: dict[str, str] = {}
        self.statuses: dict[str, Reply] = {}

    def answer(self, request: Received) -> Reply:
        if request.method == "GET":
            return self.statuses.get(request.path.rsplit("/", 1)[1], Reply(404, {"message": "no"}))
        number = f"r{len(self.accepted)}"
        alias = request.json.get("alias") or unquote(request.path.split("/")[-2])
        self.accepted[number] = f"{request.path.rsplit('/', 1)[1]} {alias}"
        self.settle(number, success=True)
        return Reply(202, {"result": "Request will be processed", "requestId": number})

    def settle(self, number: str, *, success: bool, status: str = "", action: str = "") -> None:
        data = {"isSuccess": success, "status": status, "action": action}
        self.statuses[number] = Reply(200, {"data": data, "requestId": number})


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with RecordingServer() as made:
        yield made


@pytest.fixture
def incident() -> Incident:
    return make_incident()


def make_incident(
    alias: str = "breakerd:box:payments:1", content: AlertContent = CONTENT
) -> Incident:
    return Incident(
        id="1",
        alias=alias,
        breaker="payments",
        kind="open",
        opened_at=1_800_000_000.0,
        notify_at=1_800_000_000.0,
        stages=(Stage(0, "P3"), Stage(60, "P2"), Stage(600, "P1")),
        content=content,
    )
