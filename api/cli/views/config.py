"""Format configurations, their differences, and drift for a terminal."""

import json
from collections.abc import Iterator
from typing import Any, Final

from rich.table import Table

from breakerd.api.cli.output import plain

_MAX_CHANGES: Final = 4
"""Maximum number of changes shown in a line of the log."""


def log_table(configs: list[dict[str, Any]]) -> Table:
    """Return a table with a row for each configuration, newest first."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("number", "time", "who", "change", "reason"):
        table.add_column(name, overflow="fold")
    for config in configs:
        table.add_row(
            str(config["number"]),
            plain(config["at"].replace("T", " ")),
            plain(config["author"]),
            plain(_summary(config)),
            plain(config["reason"]),
        )
    return table


def change_line(change: dict[str, Any]) -> str:
    """Return the change of one key on a line: `latency_threshold: 500 → 700`."""
    if change["secret"]:
        return f"{change['key']}: changed (a secret, not shown)"
    return f"{change['key']}: {_value(change['before'])} → {_value(change['after'])}"


def drift_line(entry: dict[str, Any]) -> str:
    """Return one key that is in force and not in the file, with the cause, on a line."""
    by = f" ({entry['by']}, {entry['at']})" if entry["by"] and entry["at"] else ""
    text = f"{entry['cause']}: {entry['text']}{by}"
    if not entry["key"]:
        return text
    in_force, in_file = _value(entry["in_force"]), _value(entry["in_file"])
    return f"{entry['key']}: in force {in_force}, in the file {in_file}; {text}"


def preview_lines(answer: dict[str, Any]) -> Iterator[str]:
    """Yield what a change would do, line by line."""
    if not answer["changes"]:
        yield "no change"
    for change in answer["changes"]:
        yield plain(change_line(change))
    for name, effect in answer["breakers"].items():
        keys = ", ".join(effect["settings"])
        yield plain(f"breaker {name}: {'is made' if effect['new'] else keys}")
    yield from _last_day_lines(answer["last_day"])
    if answer["needs_restart"]:
        yield plain(f"in force after a restart only: {', '.join(answer['needs_restart'])}")
    if answer["ends_temporary"]:
        yield plain(f"ends temporary values: {', '.join(answer['ends_temporary'])}")
    for kept in answer.get("kept", []):
        yield plain(f"stays as it is: {kept['key']}: {kept['reason']}")


def _last_day_lines(last_day: dict[str, Any] | None) -> Iterator[str]:
    """Yield what the change would have done in the last day."""
    if last_day is None:
        return
    for name, found in last_day["breakers"].items():
        effects = "; ".join(
            f"{label} {effect['trips']:,} trips, {effect['rejected']:,} rejected, "
            f"{effect['good_rejected']:,} of them good"
            for label, effect in (("now", found["current"]), ("then", found["proposed"]))
        )
        yield plain(f"last day, {name}, {found['calls']:,} calls: {effects}")
        for note in found["notes"]:
            yield plain(f"  {note}")
    if last_day["problem"]:
        yield plain(f"last day: {last_day['problem']}")


def _summary(config: dict[str, Any]) -> str:
    changes = config["changes"]
    if changes is None:
        return "the oldest in the log" if config["number"] > 1 else "first seen"
    shown = [change_line(each) for each in changes[:_MAX_CHANGES]]
    if len(changes) > _MAX_CHANGES:
        shown.append(f"{len(changes) - _MAX_CHANGES} more")
    told = "; ".join(shown) or "temporary values ended or became lasting"
    marks = [
        *(["temporary"] if config["temporary"] else []),
        *([] if config["written"] else ["not in the file"]),
    ]
    return f"{told} ({', '.join(marks)})" if marks else told


def _value(value: Any) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)
