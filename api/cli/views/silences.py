"""Format silences and maintenance windows for a terminal."""

from datetime import datetime
from typing import Any, Final

from rich.table import Table

from breakerd.api.cli.output import plain

_MAX_NAMED: Final = 10
"""Maximum number of breakers or incidents that a line names."""


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


def effect_lines(matches: dict[str, Any]) -> list[str]:
    """Return what a new silence matches now, a line each for breakers and open incidents."""
    incidents = [f"{each['id']} {each['message']}" for each in matches["incidents"]]
    return [
        _matched("breaker", matches["breakers"], ", "),
        _matched("open incident", incidents, "; "),
    ]


def _matched(what: str, names: list[str], separator: str) -> str:
    count = len(names)
    named = separator.join(names[:_MAX_NAMED]) + (" …" if count > _MAX_NAMED else "")
    return f"matches {count or 'no'} {what}{'' if count == 1 else 's'}" + (named and f": {named}")


def _add(table: Table, *cells: str) -> None:
    table.add_row(*map(plain, cells))


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%d %b %H:%M")
