"""Format the comparison of a candidate with the settings in force."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from breakerd.alerts.model.text import format_duration
from breakerd.api.cli.output import plain
from breakerd.breaker.runtime.status import whole

_TRIPS = 5
"""Maximum number of trips shown, the newest."""


def shadow_page(name: str, report: dict[str, Any]) -> RenderableType:
    """Return the comparison: settings that differ, figures of both, latest trips, promise."""
    parts: list[RenderableType] = [
        plain(f"{name}: candidate {report['state']}, compared since {report['since']}"),
        _settings(report["differences"]),
        _figures(report),
    ]
    if report["trips"]:
        parts.append(_trips(report["trips"][-_TRIPS:]))
    parts.append(plain(report["summary"]))
    parts += [plain(line) for line in _promises(report)]
    if report["scope"] == "process":
        parts.append("[yellow]of the process that answers only[/]")
    return Group(*parts)


def _settings(differences: dict[str, Any]) -> Table:
    table = _table("setting", "in force", "candidate")
    for key, each in differences.items():
        table.add_row(plain(key), _setting(each["active"]), _setting(each["candidate"]))
    if not differences:
        table.add_row("none differs", "", "")
    return table


def _setting(value: object) -> str:
    if value is None:
        return "not set"
    return plain(str(whole(value) if isinstance(value, float) else value))


def _figures(report: dict[str, Any]) -> Table:
    table = _table("", "in force", "candidate")
    active, candidate = report["active"], report["candidate"]
    share = report["false_rejection_share"]
    good = f"{report['false_rejections']:,}" + (f" ({share:.2%})" if share is not None else "")
    rows = (
        ("trips", f"{active['trips']:,}", f"{candidate['trips']:,}"),
        ("tripped after", *(_seconds(s["detected_after_seconds"]) for s in (active, candidate))),
        ("earlier by", "", _seconds(report["earlier_by_seconds"])),
        ("calls rejected", f"{report['unseen_calls']:,}", f"{report['would_reject']:,}"),
        ("of these good", "unknown" if report["unseen_calls"] else "", good),
        ("of these too slow", "", f"{report['would_reject_slow']:,}"),
        ("of these failed", "", f"{report['would_reject_failed']:,}"),
        ("calls compared", f"{report['compared_calls']:,}", ""),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _trips(trips: list[dict[str, Any]]) -> Table:
    table = _table("trip at", "of", "why")
    for trip in trips:
        why = "; ".join(trip["evidence"]) or trip["reason"]
        blind = " (while calls were rejected)" if trip["blind"] else ""
        table.add_row(plain(trip["at"]), plain(trip["side"]), plain(why + blind))
    return table


def _promises(report: dict[str, Any]) -> list[str]:
    lines = []
    if promise := report["promise"]:
        condition = f", if {promise['condition']}" if promise["condition"] else ""
        by = f" (by {promise['by']})" if promise["by"] else ""
        left = format_duration(promise["due_in_seconds"])
        lines.append(f"promised: promotion at {promise['due']}, in {left}{condition}{by}")
    if last := report["last_promise"]:
        why = f": {last['text']}" if last["text"] else ""
        lines.append(f"last promise: {last['ending']} at {last['at']}{why}")
    return lines


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def _table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        table.add_column(head)
    return table
