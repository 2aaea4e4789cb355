"""Options of the commands that read a trace, and its opening."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from breakerd.api.cli.output import USAGE_ERROR, err, fail, plain
from breakerd.breaker.errors import TraceError
from breakerd.breaker.replay import CallRecord, Format, Hints, TimeIs, Trace, Unit, parse_columns
from breakerd.breaker.replay.trace.source import STDIN

_CALLS_PER_UPDATE: Final = 5000
"""Number of calls between updates of the progress bar."""

TraceFile = Annotated[
    str | None,
    typer.Argument(
        metavar="TRACE",
        show_default=False,
        help="CSV, JSON Lines, Prometheus histogram or access log, optionally gzipped; "
        "- reads the standard input. None with --history.",
    ),
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="Format of the trace. Default: detected.")
]
UnitOption = Annotated[
    Unit | None, typer.Option("--unit", help="Unit of durations. Default: from name or tool.")
]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="PART=NAME[:UNIT],…",
        help="Columns or keys to read, as in start=begun,duration=took:ms,outcome=code.",
    ),
]
TimeIsOption = Annotated[
    TimeIs | None,
    typer.Option("--time-is", help="What the one time of a call marks. Default: from its name."),
]


@dataclass(frozen=True, slots=True)
class TraceInput:
    """A trace, and how to read it."""

    path: str
    form: Format
    hints: Hints


def check_source(trace: str | None, *, history: bool) -> None:
    """End the command unless exactly one of a trace and the history is to be read."""
    if history and trace is not None:
        fail("found a trace and --history; allowed: one of them", USAGE_ERROR)
    if not history and trace is None:
        fail("found nothing to replay; allowed: a TRACE, or --history", USAGE_ERROR)


def trace_input(
    path: str | None, form: Format, unit: Unit | None, columns: str | None, time_is: TimeIs | None
) -> TraceInput:
    """Return the trace of these options; a wrong one ends the command with one line."""
    try:
        named = parse_columns(columns) if columns is not None else {}
    except ValueError as error:
        fail(f"--columns: {error}", USAGE_ERROR)
    return TraceInput(path or STDIN, form, Hints(unit, named, time_is))


@contextmanager
def open_trace(source: TraceInput) -> Iterator[Trace]:
    """Open a trace; an error in it ends the command with one line."""
    try:
        with Trace(source.path, source.form, source.hints) as trace:
            yield trace
    except TraceError as error:
        fail(str(error), USAGE_ERROR)


@contextmanager
def with_progress(trace: Trace) -> Iterator[Iterable[CallRecord]]:
    """Provide the calls of the trace; show a progress bar on a terminal."""
    if not err.is_terminal:
        yield trace
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as progress:
        yield _report_progress(trace, progress)


def _report_progress(trace: Trace, progress: Progress) -> Iterator[CallRecord]:
    task = progress.add_task(plain(trace.name), total=trace.source.size)
    for number, call in enumerate(trace):
        if number % _CALLS_PER_UPDATE == 0:
            progress.update(task, completed=trace.source.position())
        yield call
