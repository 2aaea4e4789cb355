from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from alerts.content import Content
from alerts.delivery import Stage, Step, StepKind
from alerts.incident import Incident
from tests.receiver import Receiver

CONTENT = Content(
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


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def incident() -> Incident:
    return make_incident()


def make_incident(alias: str = "breakerd:box:payments:1", content: Content = CONTENT) -> Incident:
    return Incident(
        id="1",
        alias=alias,
        breaker="payments",
        kind="open",
        opened_at=1_800_000_000.0,
        not_before=1_800_000_000.0,
        stages=(Stage(0, "P3"), Stage(60, "P2"), Stage(600, "P1")),
        content=content,
    )


def after_each(steps: tuple[Step, ...], do: Callable[[Step], object]) -> list[object]:
    return [do(step) for step in steps]
