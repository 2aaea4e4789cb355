"""Format the fleet for a terminal."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from breakerd.api.cli.output import plain
from breakerd.breaker.fleet.drift import EDITED


def summary_table(fleet: dict[str, Any]) -> Table:
    """Return the hub, and the processes by what they are, as a table of names and values."""
    table = hub_table(fleet["hub"])
    members = fleet["members"]
    live = [each for each in members if not each["silent"]]
    hosts = len({each["host"] for each in live})
    silent = len(members) - len(live)
    told = f"{len(live)} on {hosts} host{'s' if hosts != 1 else ''}"
    table.add_row("processes", told + (f", [red]{silent} silent[/]" if silent else ""))
    for name in ("role", "version"):
        counts = Counter(each[name] for each in live if each[name])
        table.add_row(f"{name}s", plain(_counted(counts)))
    others = sum(each["settings_differ"] for each in live)
    table.add_row("settings", f"[yellow]{others} differ[/]" if others else "the same")
    if alerts := fleet["alerts"]:
        table.add_row("alerts", plain(_sent_by(alerts)))
    if fleet["drift"]:
        keys = ", ".join(each["key"] for each in fleet["drift"])
        table.add_row("drift", f"[yellow]{plain(keys)}[/]")
    states: dict[str, Counter[str]] = {}
    for each in live:
        for breaker, state in each["breakers"].items():
            states.setdefault(breaker, Counter())[state] += 1
    for breaker, counts in sorted(states.items()):
        table.add_row(plain(breaker), plain(in_processes(counts)))
    return table


def _sent_by(alerts: Mapping[str, str]) -> str:
    if alerts["role"] == "alone":
        return "sent by this host alone, since the hub is away"
    here = " (this host)" if alerts["role"] == "sender" else ""
    return f"sent by {alerts['sender']}{here}" if alerts["sender"] else "no host sends yet"


def in_processes(states: Mapping[str, int]) -> str:
    """Return the number of processes by state in words: `open in 3 of 4 processes`."""
    total = sum(states.values())
    if len(states) == 1:
        (state,) = states
        return f"{state} in {'the only process' if total == 1 else f'all {total} processes'}"
    worst = sorted(states.items(), key=lambda each: (each[0] == "closed", -each[1], each[0]))
    parts = [f"{state} in {count}" for state, count in worst if state != "closed"]
    return f"{', '.join(parts)} of {total} processes"


def members_table(members: list[dict[str, Any]]) -> Table:
    """Return a table with a row per process; another hash of the settings is a difference."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    shown = [name for name in ("zone", "role") if any(each[name] for each in members)]
    for name in ("host", "pid", *shown, "version", "settings", "seen", "breakers"):
        table.add_column(name, overflow="fold")
    for each in members:
        seen = f"{each['age_seconds']:.1f} s ago"
        settings = plain(each["settings"])
        table.add_row(
            plain(each["host"]),
            str(each["pid"]),
            *(plain(each[name]) for name in shown),
            plain(each["version"]),
            f"[yellow]{settings}[/]" if each["settings_differ"] else settings,
            f"[red]silent, {seen}[/]" if each["silent"] else seen,
            plain(", ".join(f"{name} {state}" for name, state in each["breakers"].items())),
        )
    return table


def drift_table(drift: list[dict[str, Any]]) -> Table:
    """Return a table with a row per setting of a host that differs from the fleet's."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("setting", "here", "fleet", "set by", "differs since"):
        table.add_column(name, overflow="fold")
    for each in drift:
        table.add_row(
            plain(each["key"]),
            f"[yellow]{plain(_value(each['own']))}[/]",
            plain(_value(each["fleet"])),
            plain(each["by"]),
            plain(each["since"]),
        )
        if each["reason"] != EDITED:
            table.add_row(f"[dim]{plain(each['reason'])}[/]")
    return table


def hub_table(hub: dict[str, Any]) -> Table:
    """Return the hub as a table of names and values."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("hub", plain(hub["kind"]))
    if hub["kind"] != "none":
        table.add_row("fleet", plain(hub["name"] or "all that read the same file"))
    table.add_row("answers", "[green]yes[/]" if hub["up"] else "[red]no[/]")
    if hub["problem"]:
        table.add_row("problem", plain(hub["problem"]))
    if hub["exchanges"]:
        p50, p99 = (1000 * hub[f"exchange_{name}_seconds"] for name in ("p50", "p99"))
        table.add_row("exchange", f"half within {p50:g} ms, 99 of 100 within {p99:g} ms")
    return table


def _value(value: object) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
