"""Format a replay's report for a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.table import Table

from breakerd.api.cli.output import plain
from breakerd.breaker.replay import CAVEAT, CallSource, Outcome, ReplayTrip, Report

MAX_TRIPS: Final = 20
"""Maximum number of trips printed per configuration; the JSON has all."""

TRIP_COLUMNS: Final = ("opened", "detected after", "closed after", "failed recoveries", "why")

MIN_EPOCH_SECONDS: Final = 1e8
"""Smaller times, in seconds, count from the start of the trace (1e8 s is March 1973)."""


def show_report(console: Console, trace: CallSource, report: Report) -> None:
    """Print a summary of the trace, the configurations side by side, their trips, and the notes."""
    show_trace(console, trace, report)
    console.print(_side_by_side(report.outcomes))
    for outcome in report.outcomes:
        if outcome.trips:
            _show_trips(console, outcome)
    console.print()
    show_notes(console, trace)


def show_trace(console: Console, trace: CallSource, report: Report) -> None:
    """Print a summary of the trace."""
    p50, p95, p99 = map(format_seconds, report.percentiles(0.5, 0.95, 0.99))
    console.print(
        f"[bold]{plain(trace.name)}[/] ({trace.form}): {report.calls} calls in "
        f"{format_seconds(report.seconds)}, "
        f"{format_moment(report.began)} to {format_moment(report.ended)}"
    )
    console.print(f"{describe_outcomes(report)}; latency p50 {p50}, p95 {p95}, p99 {p99}\n")


def describe_outcomes(report: Report) -> str:
    """Return how many calls of a trace failed, and how many were given up, if any."""
    failed = f"{report.errors} failed ({report.errors / report.calls:.2%})"
    given_up = f", {report.abandoned} abandoned by their callers" if report.abandoned else ""
    return failed + given_up


def show_notes(console: Console, trace: CallSource) -> None:
    """Print notes on the trace and on the method."""
    for note in [*trace.notes, *map(str, trace.broken), CAVEAT]:
        console.print(f"[dim]note: {plain(note)}[/]")


def format_moment(at: float) -> str:
    """Return a time in the trace as a date in UTC, or as seconds if it counts from the start."""
    if at < MIN_EPOCH_SECONDS:
        return f"{at:.3f} s"
    text = datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="milliseconds")
    return text.replace("+00:00", "Z")


def format_seconds(value: float | None) -> str:
    """Return a duration in a suitable unit; "-" for None."""
    if value is None:
        return "-"
    if value < 1:
        return f"{value * 1000:.3g} ms"
    if value < 120:
        return f"{value:.3g} s"
    return f"{value / 60:.4g} min" if value < 7200 else f"{value / 3600:.4g} h"


def _side_by_side(outcomes: Sequence[Outcome]) -> Table:
    table = Table(show_edge=False, pad_edge=False, box=None, padding=(0, 3, 0, 0))
    table.add_column("what it would have done")
    for outcome in outcomes:
        table.add_column(plain(outcome.label), justify="right", overflow="fold")
    for name, values in comparison_rows(outcomes).items():
        table.add_row(name, *values)
    return table


def comparison_rows(outcomes: Sequence[Outcome]) -> dict[str, list[str]]:
    """Return each figure's name with its value per configuration."""
    return {
        "trips": [str(o.trip_count) for o in outcomes],
        "time to detect, median": [format_seconds(o.median_time_to_detect) for o in outcomes],
        "time to detect, longest": [
            format_seconds(max(o.times_to_detect, default=None)) for o in outcomes
        ],
        "open": [f"{o.open_share:.2%}" for o in outcomes],
        "half open": [f"{o.half_open_share:.2%}" for o in outcomes],
        "calls rejected": [_count_and_share(o.rejected.total, o) for o in outcomes],
        "  of them good": [_count_and_share(o.rejected.good, o) for o in outcomes],
        "  of them slow": [_count_and_share(o.rejected.slow, o) for o in outcomes],
        "  of them failed": [_count_and_share(o.rejected.failed, o) for o in outcomes],
        "  of them by the limit": [_count_and_share(o.held_back, o) for o in outcomes],
        "let pass, and slow": [_count_and_share(o.admitted.slow, o) for o in outcomes],
        "let pass, and failed": [_count_and_share(o.admitted.failed, o) for o in outcomes],
        "good means within": [format_seconds(o.settings.slow_after) for o in outcomes],
        "state at the end": [o.final_state.value for o in outcomes],
    }


def _count_and_share(count: int, outcome: Outcome) -> str:
    every = outcome.rejected.total + outcome.admitted.total
    return f"{count} ({count / every:.2%})" if count else "0"


def _show_trips(console: Console, outcome: Outcome) -> None:
    """Print each trip on a line of its own; a table would fold it."""
    console.print(f"\n[bold]Trips of {plain(outcome.label)}[/]")
    for trip in outcome.trips[:MAX_TRIPS]:
        opened, detected, closed, failed, why = trip_row(trip)
        console.print(
            f"{opened}  {plain(why)}; detected after {detected}, closed after {closed}, "
            f"{failed} failed recoveries"
        )
    if outcome.trip_count > MAX_TRIPS:
        console.print(f"… and {outcome.trip_count - MAX_TRIPS} more")


def trip_row(trip: ReplayTrip) -> tuple[str, ...]:
    """Return the values of `TRIP_COLUMNS` for one trip."""
    closed = format_seconds(trip.closed_at - trip.at) if trip.closed_at is not None else "never"
    why = "; ".join(trip.evidence) or trip.reason
    return (
        format_moment(trip.at),
        format_seconds(trip.time_to_detect),
        closed,
        str(trip.failed_recoveries),
        why,
    )
