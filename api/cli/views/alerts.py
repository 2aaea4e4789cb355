"""Format incidents and their alerts for a terminal."""

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
    """Return all of one incident as a table of names and values."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = [
        (alert["priority"], alert["message"]),
        ("id", alert["id"]),
        ("alias", alert["alias"]),
        ("state", alert["phase"] + (", a drill" if alert["drill"] else "")),
        ("opened", _format_time(alert["opened_at"])),
        ("closed", _format_time(alert["closed_at"])),
        ("episodes", str(alert["episodes"])),
        ("muted", alert["muted_by"]),
        ("stages", ", ".join(map(_stage, alert["stages"]))),
        ("breakers", ", ".join(alert["members"])),
        *(("note", note["text"]) for note in alert["notes"]),
        *((name, _receipt(each)) for name, each in alert["deliveries"].items()),
    ]
    for name, value in rows:
        if value:
            table.add_row(f"[dim]{plain(name)}[/]", plain(value))
    return table


def _delivery_summary(alert: dict[str, Any]) -> str:
    if alert["dead_letters"]:
        return "dead letters: " + ", ".join(alert["dead_letters"])
    if not alert["notified"]:
        return alert["muted_by"] or "no"
    return f"{alert['receiver']}{', closed there' if alert['closed_at_receiver'] else ''}"


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
