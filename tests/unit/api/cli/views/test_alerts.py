from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from rich.table import Table

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.note import Note
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.status import full_status, incident_status
from breakerd.api.cli.views.alerts import alert_table, alerts_table

AT = 1_800_000_000.0


def incident(**delivery: Any) -> Incident:
    return Incident(
        id="i1",
        alias="breakerd:box:payments:1",
        breaker="payments",
        kind="open",
        opened_at=AT,
        notify_at=AT,
        stages=(Stage(0, "P3"), Stage(90, "P1")),
        content=AlertContent("payments [bold]open[/]", "", "payments", "breakerd"),
        notes=[Note(AT, "Now open: [red]slow[/]")],
        deliveries={"opsgenie": DeliveryState(**delivery)} if delivery else {},
    )


def printed(table: Table) -> str:
    screen = io.StringIO()
    Console(file=screen, width=250).print(table)
    return screen.getvalue()


def shown(**delivery: Any) -> str:
    return printed(alert_table(full_status(incident(**delivery))))


def listed(alert: Incident) -> str:
    return printed(alerts_table([incident_status(alert, "opsgenie")]))


def test_what_others_wrote_is_shown_as_it_is() -> None:
    assert "payments [bold]open[/]" in listed(incident())
    assert "Now open: [red]slow[/]" in shown()


def test_stages_and_times() -> None:
    text = shown(created=True, created_at=AT, priority="P3", notes=1)
    assert "P3 after 0 s, P1 after 1 min 30 s" in text
    assert "2027-01-15 08:00:00Z" in text
    assert "created 2027-01-15 08:00:00Z at P3, 1 notes" in text


def test_what_people_made_of_it() -> None:
    assert "acknowledged" in shown(created=True, acknowledged=True)
    assert "closed by people 2027-01-15" in shown(created=True, closed_manually_at=AT)
    assert shown(created=True, closed=True).rstrip().endswith("closed")


def test_what_goes_wrong() -> None:
    assert "3 attempts failed" in shown(attempts=3)
    assert "dead letter: 422: no" in shown(dead_letter_reason="422: no", dead_letter_step="create")
    assert "discarded by ada: phone" in shown(
        dead_letter_reason="422", closed=True, discarded="ada: phone"
    )
    assert "not delivered" in shown(closed=True)
    assert "dead letters: opsgenie" in listed(
        incident(dead_letter_reason="422", dead_letter_step="create")
    )


def test_who_was_told_in_the_list() -> None:
    assert "opsgenie, closed there" in listed(incident(created=True, closed=True))
    assert " no " in listed(incident())
    held = incident()
    held.muted_by = "silenced by ada: move"
    assert "silenced by ada: move" in listed(held)
