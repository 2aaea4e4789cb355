"""An incident with all that is recorded of it, for tests of its report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.note import Hold, Note
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.report.gather import gather
from breakerd.alerts.report.material import Material
from breakerd.alerts.report.report import IncidentReport
from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.states import State

OPENED = 1_796_119_200.0
"""1 December 2026 10:00:00 UTC."""
WELL = OPENED + 300
CLOSED = OPENED + 360
NOW = OPENED + 3600
HOSTILE = "<script>alert('x')</script>\"&`|[a](javascript:b)\x1b[31m\u202e"


def slot(at: float, ms: float = 80.0, calls: int = 100, **values: Any) -> HistorySlot:
    """Ten seconds of calls that take so long; `at` counts from the opening."""
    durations = DurationSketch()
    durations.add(ms / 1000, calls)
    made = HistorySlot(OPENED + at, 10.0, calls=calls, durations=durations, threshold=0.6)
    return replace(made, **values)


def slots() -> list[HistorySlot]:
    """Calls are slow for 30 s, are rejected for 4 minutes, and are probed in the fifth."""
    calm = [slot(at) for at in range(-900, -30, 10)]
    slow = [slot(at, 900.0) for at in range(-30, 0, 10)]
    opened = [
        slot(at, 2000.0, 0, rejected={"open": 100}, state=State.OPEN) for at in range(0, 240, 10)
    ]
    probes = [
        slot(
            at, 2000.0 if at < 270 else 80.0, 10, rejected={"open": 90}, state=State.HALF_OPEN,
            failures=5 if at < 270 else 0,
        )
        for at in range(240, 300, 10)
    ]  # fmt: skip
    return [*calm, *slow, *opened, *probes, *(slot(at) for at in range(300, 1200, 10))]


def event(
    at: float, kind: str, text: str, breaker: str | None = "payments", **data: Any
) -> RecordEvent:
    return RecordEvent(
        time=OPENED + at, breaker=breaker, kind=kind, text=text, data=data, process="web-1:17"
    )


def events() -> list[RecordEvent]:
    sentence = "p95 latency 900 ms (limit 600 ms)"
    return [
        event(-600, "settings", "settings in force: latency_threshold: 800 → 600"),
        event(-1, "signal", f"latency breached: {sentence}"),
        event(
            0, "transition", f"CLOSED → OPEN, latency: {sentence}",
            to_state="OPEN", evidence=[{"sentence": sentence}],
        ),
        event(100, "act", "reset by ada", None),
        event(110, "alert", "told twice", None),
        event(240, "transition", "OPEN → HALF_OPEN, wait_over", to_state="HALF_OPEN"),
        event(300, "transition", "HALF_OPEN → CLOSED, recovered", to_state="CLOSED"),
        event(10, "transition", "CLOSED → OPEN, errors", "search", to_state="OPEN"),
    ]  # fmt: skip


def incident(**values: Any) -> Incident:
    """An incident that was paged after 20 s, acknowledged after 80 s, and is over."""
    given: dict[str, Any] = {
        "id": "0123abcd4567",
        "alias": "breakerd:box:payments:0123abcd4567",
        "breaker": "payments",
        "kind": "open",
        "opened_at": OPENED,
        "notify_at": OPENED,
        "stages": (Stage(0, "P3"), Stage(60, "P2")),
        "stage": 1,
        "stage_times": [(OPENED, "P3"), (OPENED + 60, "P2")],
        "content": AlertContent(
            message="payments OPEN: p95 latency 900 ms (limit 600 ms)",
            description="What: payments OPEN.\nImpact: all calls are rejected.",
            entity="payments",
            source="breakerd",
            details={"Service": "shop", "Team": "payments", "Reason": "latency"},
            cause="p95 latency 900 ms (limit 600 ms)",
        ),
        "phase": Phase.CLOSED,
        "resolving_since": WELL,
        "closed_at": CLOSED,
        "holds": [Hold("silence of ada: deploying", OPENED, OPENED + 15)],
        "notes": [
            Note(OPENED + 60, "Still open after 1 min, now P2."),
            Note(CLOSED, "Over: it lasted 5 min."),
        ],
        "members": {"payments": Member("open", OPENED, recovered=True)},
        "deliveries": {
            "opsgenie": DeliveryState(
                created=True,
                created_at=OPENED + 20,
                told=[(OPENED + 20, "P3"), (OPENED + 62, "P2")],
                acknowledged=True,
                acknowledgements=[(OPENED + 80, True)],
                closed=True,
                closed_at=CLOSED + 1,
            ),
            "log": DeliveryState(created=True, told=[(OPENED + 1, "P3")], closed=True),
        },
    }
    return Incident(**given | values)


def material(**values: Any) -> Material:
    given: dict[str, Any] = {"slots": {"payments": slots()}, "events": events()}
    return Material(**given | values)


def report(now: float = NOW, **values: Any) -> IncidentReport:
    return gather(incident(**values), material(), now)


def hostile() -> IncidentReport:
    """A report in which every text of others tries to be markup."""
    content = AlertContent(HOSTILE, HOSTILE, HOSTILE, HOSTILE, details={"Service": HOSTILE})
    about = incident(
        id=HOSTILE,
        alias=HOSTILE,
        breaker=HOSTILE,
        content=content,
        holds=[Hold(HOSTILE, OPENED)],
        notes=[Note(CLOSED, HOSTILE)],
        members={HOSTILE: Member(HOSTILE, OPENED)}
        | {f"{HOSTILE}{number}": Member("open", OPENED) for number in range(25)},
        deliveries={HOSTILE: DeliveryState(told=[(OPENED, HOSTILE)], dead_letter_reason=HOSTILE)},
    )
    known = [
        slot(0, rejected={HOSTILE: 5}, rejected_by_priority={HOSTILE: 5}),
        slot(10, rejected={HOSTILE: 5}),
    ]
    happened = event(
        1, "transition", HOSTILE, HOSTILE, to_state="OPEN", evidence=[{"sentence": HOSTILE}]
    )
    found = material(
        slots={HOSTILE: known},
        events=[replace(happened, process=HOSTILE), event(2, HOSTILE, HOSTILE, HOSTILE)],
        missing=(HOSTILE,),
    )
    return gather(about, found, NOW)
