"""Format the fleet for a terminal."""

from collections import Counter
from typing import Any

from rich.table import Table

from breakerd.api.cli.output import plain


def members_table(members: list[dict[str, Any]]) -> Table:
    """Return a table with a row per process; another hash of the settings is a difference."""
    usual = Counter(each["settings"] for each in members).most_common(1)[0][0]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("process", "host", "zone", "role", "version", "settings", "seen", "breakers"):
        table.add_column(name, overflow="fold")
    for each in members:
        seen = f"{each['age_seconds']:.1f} s ago"
        differs = each["settings"] != usual
        table.add_row(
            plain(each["id"]),
            plain(each["host"]),
            plain(each["zone"]),
            plain(each["role"]),
            plain(each["version"]),
            f"[yellow]{plain(each['settings'])}[/]" if differs else plain(each["settings"]),
            f"[red]silent, {seen}[/]" if each["silent"] else seen,
            plain(", ".join(f"{name} {state}" for name, state in each["breakers"].items())),
        )
    return table


def hub_table(hub: dict[str, Any]) -> Table:
    """Return the hub as a table of names and values."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("hub", plain(hub["kind"]))
    table.add_row("fleet", plain(hub["name"] or "all that read the same file"))
    table.add_row("answers", "[green]yes[/]" if hub["up"] else "[red]no[/]")
    if hub["problem"]:
        table.add_row("problem", plain(hub["problem"]))
    return table
