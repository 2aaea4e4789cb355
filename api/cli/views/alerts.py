"""Format incidents and their alerts for a terminal."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from breakerd.alerts.model.text import format_duration
from breakerd.api.cli.output import plain

_COLOURS = {"active": "red", "resolving": "yellow", "closed": "green"}


def alerts_table(alerts: list[dict[str, Any]]) -> Table:
    """Return a table with a row per incident."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("id", "opened", "state", "priority", "delivered", "message"):
        table.add_column(name, overflow="fold")
    for alert in alerts:
        table.add_row(
            plain(alert["id"]),
            _format_time(alert["opened_at"]),
            f"[{_COLOURS[alert['phase']]}]{alert['phase']}[/]",
            alert["priority"],
            plain(_delivery_summary(alert)),
            plain(alert["message"]),
        )
    return table


def alert_table(alert: dict[str, Any]) -> Table:
    """Return all of one incident as a table of names and values, with the time of each."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _rows(alert):
        if value:
            table.add_row(f"[dim]{plain(name)}[/]", plain(value))
    return table


def _rows(alert: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield alert["priority"], alert["message"]
    yield "id", alert["id"]
    yield "alias", alert["alias"]
    yield "state", alert["phase"] + (", a drill" if alert["drill"] else "")
    yield "opened", _format_time(alert["opened_at"])
    yield "closed", _closed(alert)
    yield "episodes", str(alert["episodes"])
    yield "held back", alert["held_by"]
    for hold in alert["holds"]:
        yield "was held", _hold(hold)
    yield "stages", ", ".join(map(_stage, alert["stages"]))
    for at, priority in alert["stage_times"]:
        if at <= (alert["closed_at"] or at):
            yield "stage", f"{_format_time(at)}  {priority}"
    if alert["escalates_at"]:
        yield "next stage", _format_time(alert["escalates_at"])
    for name, member in alert["members"].items():
        yield "breaker", _member(name, member)
    for number, line in enumerate(alert["content"]["description"].splitlines()):
        yield "" if number else "alert", line
    for note in alert["notes"]:
        yield "note", f"{_format_time(note['at'])}  {note['text']}"
    for name, delivery in alert["deliveries"].items():
        yield name, _receipt(delivery)


def _closed(alert: dict[str, Any]) -> str:
    if not alert["closed_at"]:
        return ""
    lasted = format_duration(alert["closed_at"] - alert["opened_at"])
    return f"{_format_time(alert['closed_at'])}, after {lasted}"


def _hold(hold: dict[str, Any]) -> str:
    until = f" to {_format_time(hold['until'])}" if hold["until"] else " on"
    return f"from {_format_time(hold['since'])}{until}: {hold['by']}"


def _member(name: str, member: dict[str, Any]) -> str:
    well = ", well again" if member["recovered"] else ""
    held = f", held back: {member['held_by']}" if member["held_by"] else ""
    return f"{name}: {member['kind']} since {_format_time(member['since'])}{well}{held}"


def _delivery_summary(alert: dict[str, Any]) -> str:
    """Return which receiver has the alert, at which priority: opsgenie P2, slack P2 closed."""
    told = [
        f"{name} {each['priority']}{' closed' if each['closed'] else ''}"
        for name, each in alert["deliveries"].items()
        if each["told"]
    ]
    if alert["dead_letters"]:
        told.append("dead letters: " + ", ".join(alert["dead_letters"]))
    nobody = "nobody: it ended first" if alert["phase"] == "closed" else "no"
    return ", ".join(told) or alert["held_by"] or nobody


def _stage(stage: dict[str, Any]) -> str:
    return f"{stage['priority']} after {format_duration(stage['after'])}"


def _receipt(delivery: dict[str, Any]) -> str:
    """Return the delivery to one receiver in words."""
    parts = []
    if delivery["created"]:
        parts.append(f"created {_format_time(delivery['created_at'])} at {delivery['priority']}")
        parts.append(f"{delivery['notes']} notes")
    if delivery["acknowledged"]:
        parts.append("acknowledged")
    if delivery["closed_manually_at"]:
        parts.append(f"closed by people {_format_time(delivery['closed_manually_at'])}")
    elif delivery["closed"] and delivery["created"]:
        parts.append("closed")
    if delivery["attempts"]:
        parts.append(f"{delivery['attempts']} attempts failed")
    if delivery["dead_letter_reason"]:
        parts.append(f"dead letter: {delivery['dead_letter_reason']}")
    if delivery["discarded"]:
        parts.append(f"discarded by {delivery['discarded']}")
    return ", ".join(parts) or "not delivered"


def _format_time(seconds: float) -> str:
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
