"""`breakerd replay`: show what a configuration would have done on recorded calls."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from breakerd.api.cli.commands.replay.history_input import (
    HistoryInput,
    HistoryOption,
    RecordOption,
    SinceOption,
    TokenOption,
    UrlOption,
    open_history,
    with_history_progress,
)
from breakerd.api.cli.commands.replay.trace_input import (
    ColumnsOption,
    FormatOption,
    TimeIsOption,
    TraceFile,
    UnitOption,
    check_source,
    open_trace,
    trace_input,
    with_progress,
)
from breakerd.api.cli.output import USAGE_ERROR, fail, out, print_json, show_problems
from breakerd.api.cli.views.replay_tables import show_report
from breakerd.breaker.errors import ConfigError, TraceError
from breakerd.breaker.registry import DEFAULT
from breakerd.breaker.replay import CallSource, Format, HistorySource, Report, replay
from breakerd.breaker.replay.serialization import as_data
from breakerd.breaker.settings import Settings

_PLOTS: Final = frozenset({".png", ".html"})

ConfigFile = Annotated[Path, typer.Option("--config", help="TOML file to evaluate.")]
Against = Annotated[Path | None, typer.Option(help="Another TOML file, to compare with.")]
Name = Annotated[str, typer.Option("--breaker", "-b", help="Breaker whose settings to use.")]
Plot = Annotated[Path | None, typer.Option(help="Write a plot to FILE.png or FILE.html.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def replay_command(  # noqa: PLR0913, PLR0917 - one for each option
    config: ConfigFile,
    trace: TraceFile = None,
    against: Against = None,
    breaker: Name = DEFAULT,
    form: FormatOption = Format.AUTO,
    unit: UnitOption = None,
    columns: ColumnsOption = None,
    time_is: TimeIsOption = None,
    plot: Plot = None,
    since: SinceOption = "7d",
    record: RecordOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    *,
    history: HistoryOption = False,
    as_json: AsJson = False,
) -> None:
    """Evaluate a configuration on recorded calls: trips, rejected calls, time to detect."""
    check_source(trace, history=history)
    _check_plot(plot)
    configurations = _configurations([config, *([against] if against else [])], breaker)
    if history:
        past = open_history(HistoryInput(breaker, since, record, url, token, config))
        _show(past, replay_history(past, configurations), plot, as_json=as_json)
        return
    with open_trace(trace_input(trace, form, unit, columns, time_is)) as source:
        with with_progress(source) as calls:
            report = replay(calls, configurations)
        _show(source, report, plot, as_json=as_json)


def replay_history(source: HistorySource, configurations: Mapping[str, Settings]) -> Report:
    """Replay a history; an error ends the command with one line."""
    try:
        with with_history_progress(source) as calls:
            report = replay(calls, configurations)
    except TraceError as error:
        fail(str(error), USAGE_ERROR)
    source.judge(report)
    return report


def print_source_json(source: CallSource, data: dict[str, Any]) -> None:
    """Print `data` as JSON, with the name of the trace, its format, notes and invalid lines."""
    head = {
        "trace": source.name,
        "format": str(source.form),
        "notes": source.notes,
        "broken_lines": [{"line": b.number, "problem": b.problem} for b in source.broken],
    }
    certainty = {"certainty": source.data()} if isinstance(source, HistorySource) else {}
    print_json(head | certainty | data)


def _show(source: CallSource, report: Report, plot: Path | None, *, as_json: bool) -> None:
    if as_json:
        print_source_json(source, as_data(report))
    else:
        show_report(out, source, report)
    if plot is not None:
        _draw(plot, source, report)


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
        advice = "install breakerd with the extra 'plot': pip install '.[plot]' in a clone"
        fail(f"matplotlib is not installed; {advice}")


def _draw(file: Path, trace: CallSource, report: Report) -> None:
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
