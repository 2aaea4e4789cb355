"""Format configurations, their differences, and drift for a terminal."""

import json
from collections.abc import Iterator
from typing import Any, Final

from rich.table import Table

from breakerd.api.cli.output import plain

_MAX_CHANGES: Final = 4
"""Maximum number of changes shown of one configuration in the log."""
_CANDIDATE: Final = ".candidate."
_WAYS: Final = {
    "command line": "cli",
    "http": "HTTP",
    "fleet": "another host",
    "promise": "promise",
}


def log_table(configs: list[dict[str, Any]]) -> Table:
    """Return a table with the number of each configuration, newest first, and what is known of it.

    On the first line: time and who; below it the changes, one a line, and the reason.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for config in configs:
        head = f"{config['at'].replace('T', ' ')}  {_who(config)}"
        reason = [f"reason: {config['reason']}"] if config["reason"] else []
        lines = [head, *_summary(config), *reason]
        table.add_row(str(config["number"]), "\n".join(plain(line) for line in lines))
    return table


def change_lines(changes: list[dict[str, Any]]) -> list[str]:
    """Return changes, one a line; keys removed from a candidate are told together, at the end."""
    removed: dict[str, list[dict[str, Any]]] = {}
    lines = []
    for change in changes:
        table, is_inner, _ = f".{change['key']}".rpartition(_CANDIDATE)
        if is_inner and change["after"] is None and not change["secret"]:
            removed.setdefault(f"{table}{_CANDIDATE}".strip("."), []).append(change)
        else:
            lines.append(change_line(change))
    for table, inner in removed.items():
        if len(inner) == 1:
            lines.append(change_line(inner[0]))
        else:
            lines.append(f"{table}: {len(inner)} settings removed")
    return lines


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
    for line in change_lines(answer["changes"]):
        yield plain(line)
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
            f"{label} {_effect(effect, estimated=found['estimated'])}"
            for label, effect in (("now", found["current"]), ("then", found["proposed"]))
        )
        yield plain(f"last day, {name}, {found['calls']:,} calls: {effects}")
        for note in found["notes"]:
            yield plain(f"  {note}")
    if last_day["problem"]:
        yield plain(f"last day: {last_day['problem']}")


def _effect(effect: dict[str, int], *, estimated: bool) -> str:
    """Return what settings would have done; an estimate with as few digits as it is good for."""
    if estimated:
        return f"about {_rounded(effect['trips'])} trips, {_rounded(effect['rejected'])} rejected"
    return (
        f"{effect['trips']:,} trips, {effect['rejected']:,} rejected, "
        f"{effect['good_rejected']:,} of them good"
    )


def _rounded(count: int) -> str:
    """Return a number with one significant digit."""
    return f"{int(float(f'{count:.0e}')):,}"


def _who(config: dict[str, Any]) -> str:
    """Return who has asked for a configuration: `ada (cli, full token)`."""
    if config["way"] not in _WAYS:
        return str(config["author"])
    by, right = config["by"] or "somebody", config["right"]
    return f"{by} ({', '.join([_WAYS[config['way']], *([right] if right else [])])})"


def _summary(config: dict[str, Any]) -> list[str]:
    changes = config["changes"]
    if changes is None:
        return ["the oldest in the log" if config["number"] > 1 else "first seen"]
    told = change_lines(changes) or ["temporary values ended or became lasting"]
    if len(told) > _MAX_CHANGES:
        told = [*told[:_MAX_CHANGES], f"{len(told) - _MAX_CHANGES} more"]
    marks = [
        *(["temporary"] if config["temporary"] else []),
        *([] if config["written"] else ["not in the file"]),
    ]
    return [*told, f"({', '.join(marks)})"] if marks else told


def _value(value: Any) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)
