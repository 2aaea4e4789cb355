"""Format audit entries for a terminal."""

import json
from typing import Any, Final

from rich.table import Table

from breakerd.api.cli.output import plain

_COLOURS: Final = {"done": "green", "in memory only": "yellow", "refused": "yellow"}


def audit_table(entries: list[dict[str, Any]]) -> Table:
    """Return a table with a row per change."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("time", "who", "action", "breaker", "change", "outcome", "detail"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        outcome = entry["outcome"]
        table.add_row(
            plain(_time(entry["at"])),
            plain(_who(entry)),
            plain(entry["action"]),
            plain(entry["breaker"] or ""),
            plain(_change(entry["before"], entry["after"])),
            f"[{_COLOURS.get(outcome, 'red')}]{plain(outcome)}[/]",
            plain(entry["detail"]),
        )
    return table


def _time(at: str) -> str:
    """Return a time of RFC 3339 to the second: 2026-11-30 18:05:01Z."""
    return at.replace("T", " ").partition(".")[0].removesuffix("Z") + "Z"


def _who(entry: dict[str, Any]) -> str:
    where = f"{entry['client']}, {entry['right']}"
    return f"{entry['user']} ({where})" if entry["user"] else where


def _change(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return each value that changed: `state CLOSED → OPEN`."""
    names = dict.fromkeys((*before, *after))
    return ", ".join(
        f"{name} {_value(before.get(name))} → {_value(after.get(name))}"
        for name in names
        if before.get(name) != after.get(name)
    )


def _value(value: Any) -> str:
    """Return a value on one line: text as it is, silences by what they match, others as JSON."""
    match value:
        case None | []:
            return "none"
        case str():
            return value
        case [{"matchers": list()}, *_]:
            return "; ".join(_silence(each) for each in value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _silence(silence: dict[str, Any]) -> str:
    what = ", ".join(silence["matchers"]) or "everything"
    return f"{silence['id']} ({what}, by {silence['author']}, until {silence['ends_at']})"
