"""`breakerd replay`: show what a configuration would have done on recorded calls."""

import importlib.util
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from breakerd.api.cli.output import USAGE_ERROR, err, fail, out, show_problems
from breakerd.api.cli.views.replay_tables import show_report
from breakerd.breaker.errors import ConfigError, TraceError
from breakerd.breaker.registry import DEFAULT
from breakerd.breaker.replay import CallRecord, Format, Report, Trace, replay
from breakerd.breaker.replay.serialization import as_data
from breakerd.breaker.settings import Settings
from breakerd.breaker.strict_json import dumps

_CALLS_PER_UPDATE: Final = 5000
"""Number of calls between updates of the progress bar."""
_PLOTS: Final = frozenset({".png", ".html"})

TraceFile = Annotated[
    str,
    typer.Argument(
        metavar="TRACE",
        help="CSV, JSON Lines, Prometheus histogram or access log, optionally gzipped; "
        "- reads the standard input.",
    ),
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="Format of the trace. Default: detected.")
]
ConfigFile = Annotated[Path, typer.Option("--config", help="TOML file to evaluate.")]
Against = Annotated[Path | None, typer.Option(help="Another TOML file, to compare with.")]
Name = Annotated[str, typer.Option("--breaker", "-b", help="Breaker whose settings to use.")]
Plot = Annotated[Path | None, typer.Option(help="Write a plot to FILE.png or FILE.html.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def replay_command(
    trace: TraceFile,
    config: ConfigFile,
    against: Against = None,
    breaker: Name = DEFAULT,
    form: FormatOption = Format.AUTO,
    plot: Plot = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Evaluate a configuration on recorded calls: trips, rejected calls, time to detect."""
    _check_plot(plot)
    configurations = _configurations([config, *([against] if against else [])], breaker)
    with open_trace(trace, form) as source:
        with with_progress(source) as calls:
            report = replay(calls, configurations)
        if as_json:
            print_json(source, as_data(report))
        else:
            show_report(out, source, report)
        if plot is not None:
            _draw(plot, source, report)


@contextmanager
def open_trace(path: str, form: Format) -> Iterator[Trace]:
    """Open a trace; an error in it ends the command with one line."""
    try:
        with Trace(path, form) as trace:
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


def print_json(trace: Trace, data: dict[str, Any]) -> None:
    """Print `data` as JSON, with the trace's name, format, notes and invalid lines."""
    head = {
        "trace": trace.name,
        "format": trace.form.value,
        "notes": trace.notes,
        "broken_lines": [{"line": b.number, "problem": b.problem} for b in trace.broken],
    }
    print(dumps(head | data))  # noqa: T201 - rich would wrap and colour it


def _report_progress(trace: Trace, progress: Progress) -> Iterator[CallRecord]:
    task = progress.add_task(escape(trace.name), total=trace.source.size)
    for number, call in enumerate(trace):
        if number % _CALLS_PER_UPDATE == 0:
            progress.update(task, completed=trace.source.position())
        yield call


def _configurations(files: list[Path], breaker: str) -> dict[str, Settings]:
    """Return the settings of that breaker in each file, by the file's name."""
    from breakerd.api.file_settings import read_file

    settings: dict[str, Settings] = {}
    for file in files:
        try:
            sections = read_file(file).breakers
        except ConfigError as error:
            show_problems(error)
            raise typer.Exit(USAGE_ERROR) from None
        if breaker != DEFAULT and breaker not in sections.named:
            known = ", ".join([DEFAULT, *sections.named])
            fail(f"{file}: unknown breaker {breaker!r}; allowed: {known}", USAGE_ERROR)
        label = str(file) if str(file) not in settings else f"{file} (again)"
        settings[label] = sections.named.get(breaker, sections.root)
    return settings


def _check_plot(file: Path | None) -> None:
    """Fail before anything is read if the plot cannot be drawn."""
    if file is None:
        return
    if file.suffix.lower() not in _PLOTS:
        fail(
            f"--plot {file}: found {file.suffix or 'no suffix'!r}; allowed: .png, .html",
            USAGE_ERROR,
        )
    if importlib.util.find_spec("matplotlib") is None:
        fail("matplotlib is not installed: pip install 'breakerd[plot]'")


def _draw(file: Path, trace: Trace, report: Report) -> None:
    # matplotlib is an extra, and takes seconds to load.
    from breakerd.api.cli.views.replay_page import write_page
    from breakerd.api.cli.views.replay_plot import write_png

    try:
        if file.suffix.lower() == ".png":
            write_png(report, file)
        else:
            write_page(trace, report, file)
    except OSError as error:
        fail(f"cannot write {file}: {error.strerror or error}")
