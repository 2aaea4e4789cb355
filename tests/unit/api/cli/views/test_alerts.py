from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from rich.table import Table

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.note import Hold, Note
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
        notes=[Note(AT + 5, "Now open: [red]slow[/]")],
        deliveries={"opsgenie": DeliveryState(**delivery)} if delivery else {},
    )


def printed(table: Table) -> str:
    screen = io.StringIO()
    Console(file=screen, width=250).print(table)
    return screen.getvalue()


def shown(**delivery: Any) -> str:
    return printed(alert_table(full_status(incident(**delivery), AT)))


def listed(alert: Incident, now: float = AT) -> str:
    return printed(alerts_table([incident_status(alert, now)]))


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
    alert = incident(created=True, closed=True, priority="P2")
    alert.deliveries = {
        "log": DeliveryState(attempts=3),
        "slack": DeliveryState(created=True, priority="P2"),
        **alert.deliveries,
    }
    assert "  slack P2, opsgenie P2 closed  " in listed(alert)
    assert " no " in listed(incident())


def test_what_holds_an_alert_back_is_in_the_list() -> None:
    held = incident()
    held.muted_by = "silenced by ada: move"
    assert "silenced by ada: move" in listed(held)
    held.phase = Phase.CLOSED
    assert "nobody: it ended first" in listed(held)
    assert "silenced by ada: move" not in listed(held)
    cooling = incident()
    cooling.notify_at = AT + 300
    assert "cooldown until 08:05:00 UTC" in listed(cooling)
    assert "cooldown until 08:05:00 UTC" in printed(alert_table(full_status(cooling, AT)))
    assert "cooldown" not in listed(cooling, AT + 300)
    cooling.deliveries["slack"] = DeliveryState(created=True, priority="P3")
    assert "cooldown" not in listed(cooling)


def test_everything_has_its_time() -> None:
    alert = incident(created=True, created_at=AT + 1, priority="P1")
    alert.content = AlertContent("m", "Cause: slow\nNext: probes", "payments", "breakerd")
    alert.members = {
        "payments": Member("open", AT, True),
        "cart": Member("latency", AT + 2, held_by="silenced by ada"),
    }
    alert.stage_times = [(AT, "P3"), (AT + 90, "P1")]
    alert.holds = [Hold("silenced by ada", AT + 3, AT + 4), Hold("maintenance", AT + 6)]
    alert.closed_at = AT + 120
    shown = printed(alert_table(full_status(alert, AT)))
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    for line in (
        "closed      2027-01-15 08:02:00Z, after 2 min",
        "was held    from 2027-01-15 08:00:03Z to 2027-01-15 08:00:04Z: silenced by ada",
        "was held    from 2027-01-15 08:00:06Z on: maintenance",
        "stage       2027-01-15 08:00:00Z  P3",
        "stage       2027-01-15 08:01:30Z  P1",
        "breaker     payments: open since 2027-01-15 08:00:00Z, well again",
        "breaker     cart: latency since 2027-01-15 08:00:02Z, held back: silenced by ada",
        "alert       Cause: slow",
        "            Next: probes",
        "note        2027-01-15 08:00:05Z  Now open: [red]slow[/]",
        "opsgenie    created 2027-01-15 08:00:01Z at P1, 0 notes",
    ):
        assert " ".join(line.split()) in lines, shown
