"""Format a breaker's status for a terminal."""

from typing import Any

from rich.table import Table

from breakerd.alerts.content.sentences.sparkline import sparkline
from breakerd.alerts.model.text import format_duration
from breakerd.api.cli.output import plain
from breakerd.api.cli.views.fleet import in_processes

_COLOURS = {"CLOSED": "green", "OPEN": "red", "FORCED_OPEN": "red", "HALF_OPEN": "yellow"}


def status_table(status: dict[str, Any]) -> Table:
    """Return the status as a table of names and values."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    state = status["state"]
    drill = " (drill)" if status["drill"] else ""
    rows = {
        plain(status["name"]): f"[bold {_COLOURS.get(state, 'cyan')}]{state}[/]{drill}",
        "processes": _processes(status),
        "why": _why(status),
        "next": _next(status),
        "latency": _latency(status),
        "latest": sparkline(status["recent_latencies_ms"]),
        "trend": status["trend"] or "",
        "errors": f"{status['error_rate']:.1%}" if status["window_calls"] else "no calls",
        "memory": (
            f"{status['memory_usage_percent']:.1f}% of {status['memory_threshold_percent']:g}%"
            if status["memory_known"]
            else "unknown"
        ),
        "calls": (
            "{success} succeeded, {error} failed, {abandoned} abandoned, {rejected} rejected"
            ", {in_flight} in flight"
        ).format(**status["calls"], in_flight=status["in_flight"]),
        "limit": _limit(status["limiter"]),
        "load": _load(status["load"]),
        "service level": _service_level(status["slo"]),
        "configuration": _configuration(status["config"]),
        "paging": _paging(status),
        **{
            part: f"[red]not running: {plain(why)}[/]"
            for part, why in status["not_running"].items()
            if why not in status["paging_problems"]
        },
    }
    for name, value in rows.items():
        if value:
            table.add_row(f"[dim]{name}[/]" if name != plain(status["name"]) else name, value)
    return table


def _processes(status: dict[str, Any]) -> str:
    """Return in how many processes the breaker has which state, or why only one is shown."""
    if status.get("fleet_problem"):
        return f"[yellow]only the one that answers: {plain(status['fleet_problem'])}[/]"
    fleet = status.get("fleet")
    if not fleet:
        return ""
    silent = f", [red]{fleet['silent']} silent[/]" if fleet["silent"] else ""
    states = status["members"]
    return (plain(in_processes(states)) if states else "none that reports") + silent


def _latency(status: dict[str, Any]) -> str:
    limit, hung = f"{status['latency_threshold_ms']:,g} ms", status["hung_calls"]
    longer = f"; {hung:,} in flight for longer" if hung else ""
    if not status["window_calls"]:
        return f"no calls; limit {limit}{longer}"
    name = f"p{status['percentile_value'] * 100:g}"
    n, value = status["window_calls"], f"{status['current_percentile_ms']:,} ms"
    return f"{name} {value} of {limit}, {n:,} call{'s' if n != 1 else ''}{longer}"


def _why(status: dict[str, Any]) -> str:
    sentences = [evidence["sentence"] for evidence in status["evidence"]]
    by = f" (by {status['note_by']})" if status["note_by"] else ""
    return plain(("; ".join(sentences) or status["note"] or status["reason"] or "") + by)


def _next(status: dict[str, Any]) -> str:
    recovery = status["recovery"]
    if recovery is None:
        return ""
    if recovery["phase"] == "wait":
        return f"probes in {format_duration(recovery['seconds_left'])}"
    if recovery["phase"] == "memory":
        return "admits calls while there is memory"
    if recovery["phase"] == "probes":
        return f"{recovery['probes_in_flight']} probes in flight"
    return f"admits {recovery['share']:.0%}"


def _limit(limiter: dict[str, Any] | None) -> str:
    if limiter is None:
        return ""
    limit = "none" if limiter["limit"] is None else f"{limiter['limit']:g} calls at once"
    return f"{limit} ({limiter['phase']}), {limiter['rejected']} rejected so far"


def _load(load: dict[str, Any] | None) -> str:
    if load is None:
        return ""
    units = {
        "cpu_pressure_percent": "CPU pressure {:g}%",
        "memory_pressure_percent": "memory pressure {:g}%",
        "io_pressure_percent": "I/O pressure {:g}%",
        "load_per_cpu": "load average {:g} per CPU",
        "loop_lag_ms": "event loop lag {:g} ms",
    }
    known = [words.format(load[key]) for key, words in units.items() if load[key] is not None]
    return (", ".join(known) or "unknown") + ("" if load["ok"] else " [red]over threshold[/]")


def _service_level(slo: dict[str, Any] | None) -> str:
    if slo is None:
        return ""
    wanted = f"{slo['stated_success_rate']:.4g} in {slo['timeout_seconds']:g} s required"
    seen = slo["observed_success_rate"]
    kept = slo["estimate"]
    learnt = (
        f", {kept['success_rate']:.4g} in {kept['timeout_seconds']:g} s achieved" if kept else ""
    )
    missed = " [red]missed[/]" if slo["missed"] else ""
    return ("no calls" if seen is None else f"{seen:.4g} good") + f", {wanted}{learnt}{missed}"


def _paging(status: dict[str, Any]) -> str:
    """Return why nobody is paged, or what may go wrong; empty if all is well."""
    colour = "yellow" if status["paging"] else "red"
    problems = "; ".join(status["paging_problems"])
    return f"[{colour}]{plain(problems)}[/]" if problems else ""


def _configuration(config: dict[str, Any] | None) -> str:
    if config is None:
        return "built-in defaults"
    if config["last_reload_successful"]:
        drift = [f"{each['key'] or 'the file'} ({each['cause']})" for each in config["drift"]]
        told = f"; [yellow]in force and not in the file:[/] {plain(', '.join(drift))}"
        return plain(config["file"]) + _watch(config) + (told if drift else "")
    return "[red]rejected, the previous one stays in force:[/] " + plain(
        "; ".join(config["problems"])
    )


def _watch(config: dict[str, Any]) -> str:
    """Return how edits of the file are noticed, where that is not by events."""
    if problem := config["watch_problem"]:
        return f"; [red]edits are not seen: {plain(problem)}[/]"
    return "; polled, without events" if config["watched_by"] == "polling" else ""
