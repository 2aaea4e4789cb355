"""Incidents and their alerts for people."""

from datetime import UTC, datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from breakerd.alerts.model.text import duration

_COLOURS = {"active": "red", "quiet": "yellow", "closed": "green"}


def alerts_table(alerts: list[dict[str, Any]]) -> Table:
    """The latest incidents, one in a row."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("id", "began", "state", "priority", "told", "message"):
        table.add_column(name, overflow="fold")
    for alert in alerts:
        table.add_row(
            escape(alert["id"]),
            _time(alert["opened_at"]),
            f"[{_COLOURS[alert['phase']]}]{alert['phase']}[/]",
            alert["priority"],
            escape(_told(alert)),
            escape(alert["message"]),
        )
    return table


def alert_table(alert: dict[str, Any]) -> Table:
    """All of one incident, in names and values."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = [
        (alert["priority"], alert["message"]),
        ("id", alert["id"]),
        ("alias", alert["alias"]),
        ("state", alert["phase"] + (", a drill" if alert["drill"] else "")),
        ("began", _time(alert["opened_at"])),
        ("ended", _time(alert["closed_at"])),
        ("episodes", str(alert["episodes"])),
        ("held back", alert["held"]),
        ("stages", ", ".join(map(_stage, alert["stages"]))),
        ("breakers", ", ".join(alert["members"])),
        *(("note", note) for note in alert["notes"]),
        *((name, _delivered(each)) for name, each in alert["deliveries"].items()),
    ]
    for name, value in rows:
        if value:
            table.add_row(f"[dim]{escape(name)}[/]", escape(value))
    return table


def _told(alert: dict[str, Any]) -> str:
    if alert["dead_letters"]:
        return "given up: " + ", ".join(alert["dead_letters"])
    if not alert["told"]:
        return alert["held"] or "no"
    return f"{alert['receiver']}{', closed there' if alert['closed_there'] else ''}"


def _stage(stage: dict[str, Any]) -> str:
    return f"{stage['priority']} after {duration(stage['after'])}"


def _delivered(delivery: dict[str, Any]) -> str:
    """What a receiver knows."""
    parts = []
    if delivery["created"]:
        parts.append(f"told {_time(delivery['created_at'])} at {delivery['priority']}")
        parts.append(f"{delivery['notes']} notes")
    if delivery["acknowledged"]:
        parts.append("acknowledged")
    if delivery["on_manual_close_at"]:
        parts.append(f"closed by people {_time(delivery['on_manual_close_at'])}")
    elif delivery["closed"] and delivery["created"]:
        parts.append("closed")
    if delivery["attempts"]:
        parts.append(f"{delivery['attempts']} attempts failed")
    if delivery["dead"]:
        parts.append(f"given up: {delivery['dead']}")
    if delivery["discarded"]:
        parts.append(f"let be by {delivery['discarded']}")
    return ", ".join(parts) or "not told"


def _time(seconds: float) -> str:
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
