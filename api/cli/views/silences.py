"""Format silences and maintenance windows for a terminal."""

from datetime import datetime
from typing import Any

from rich.table import Table

from breakerd.api.cli.output import plain


def silences_table(answer: dict[str, Any]) -> Table:
    """Return a table with a row per silence and per maintenance window."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("id", "what", "from", "until", "by", "why"):
        table.add_column(name, overflow="fold")
    for each in answer["silences"]:
        what = ", ".join(each["matchers"]) or "everything"
        times = (_format_time(each["starts_at"]), _format_time(each["ends_at"]))
        _add(table, each["id"], what, *times, each["author"], each["reason"])
    for each in answer["maintenance"]:
        what = ", ".join(each["matchers"]) or "everything"
        days = " ".join(each["days"])
        until = f"{each['ends']} {each['timezone']}" + (", open now" if each["ends_at"] else "")
        _add(table, each["name"], what, f"{days} {each['begins']}", until, "file", each["reason"])
    return table


def _add(table: Table, *cells: str) -> None:
    table.add_row(*map(plain, cells))


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%d %b %H:%M")
