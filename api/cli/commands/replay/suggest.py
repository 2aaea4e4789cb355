"""`breakerd suggest`: propose settings from recorded calls, and show their effect on these.

The output is TOML, to be pasted or written to a file as it is.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from breakerd.api.cli.change_options import DryRunOption, ReasonOption
from breakerd.api.cli.commands.replay.candidate import CandidateTarget, write_candidate
from breakerd.api.cli.commands.replay.history_input import (
    HistoryInput,
    HistoryOption,
    RecordOption,
    SinceOption,
    TokenOption,
    UrlOption,
    open_history,
)
from breakerd.api.cli.commands.replay.replay import (
    AsJson,
    Name,
    print_source_json,
    replay_history,
)
from breakerd.api.cli.commands.replay.trace_input import (
    ColumnsOption,
    FormatOption,
    TimeIsOption,
    TraceFile,
    TraceInput,
    UnitOption,
    check_source,
    open_trace,
    trace_input,
    with_progress,
)
from breakerd.api.cli.output import USAGE_ERROR, fail, print_lines
from breakerd.api.cli.views.replay_tables import format_seconds
from breakerd.breaker.encoding.printable import printable
from breakerd.breaker.errors import TraceError
from breakerd.breaker.registry import DEFAULT
from breakerd.breaker.replay import (
    CAVEAT,
    CallSource,
    Format,
    HistorySource,
    Outcome,
    Proposal,
    Report,
    Suggestion,
    replay,
    suggest,
)
from breakerd.breaker.replay.serialization import as_data
from breakerd.breaker.replay.trace.source import STDIN
from breakerd.breaker.settings import Settings

SuccessRate = Annotated[
    float, typer.Option(help="Share of calls that should succeed in time.", min=0.001, max=0.999)
]


ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="TOML file that names the record. Default: its default file."),
]


CandidateOption = Annotated[
    str | None,
    typer.Option(
        "--as-candidate",
        metavar="NAME",
        help="Write the thresholds as this breaker's candidate, with --url through the service, "
        "else into the file.",
    ),
]


def suggest_command(  # noqa: PLR0913, PLR0917 - one for each option
    trace: TraceFile = None,
    success_rate: SuccessRate = 0.95,
    form: FormatOption = Format.AUTO,
    unit: UnitOption = None,
    columns: ColumnsOption = None,
    time_is: TimeIsOption = None,
    breaker: Name = DEFAULT,
    since: SinceOption = "7d",
    record: RecordOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    config: ConfigOption = None,
    candidate: CandidateOption = None,
    reason: ReasonOption = "",
    *,
    history: HistoryOption = False,
    dry_run: DryRunOption = False,
    as_json: AsJson = False,
) -> None:
    """Propose thresholds from recorded calls, with reasons, as TOML; show their effect on these."""
    check_source(trace, history=history)
    if candidate is not None and not history:
        fail("--as-candidate: found without --history; allowed: beside it", USAGE_ERROR)
    if history:
        name = candidate or breaker
        past = open_history(HistoryInput(name, since, record, url, token, config))
        suggestion = _from_history(past, success_rate)
        _show(past, suggestion, replay_history(past, _proposed(suggestion)), as_json=as_json)
        if candidate is not None:
            target = CandidateTarget(candidate, url, token, config, reason, dry_run)
            write_candidate(suggestion, target)
        return
    wanted = trace_input(trace, form, unit, columns, time_is)
    with open_trace(wanted) as source, with_progress(source) as calls:
        suggestion = suggest(calls, success_rate=success_rate)
    # The standard input cannot be read a second time.
    report = None if trace == STDIN else _effect(wanted, suggestion)
    _show(source, suggestion, report, as_json=as_json)


def _from_history(source: HistorySource, success_rate: float) -> Suggestion:
    try:
        return suggest(source, success_rate=success_rate)
    except TraceError as error:
        fail(str(error), USAGE_ERROR)


def _proposed(suggestion: Suggestion) -> dict[str, Settings]:
    return {"thresholds": suggestion.settings(), "service level alone": suggestion.slo_settings()}


def _effect(wanted: TraceInput, suggestion: Suggestion) -> Report:
    """Replay the proposals on the trace that they come from."""
    with open_trace(wanted) as source, with_progress(source) as calls:
        return replay(calls, _proposed(suggestion))


def _show(
    source: CallSource, suggestion: Suggestion, report: Report | None, *, as_json: bool
) -> None:
    if as_json:
        print_source_json(source, _data(suggestion, report))
    else:
        print_lines(_lines(source, suggestion, report))


def _lines(source: CallSource, suggestion: Suggestion, report: Report | None) -> Iterable[str]:
    yield f"# Proposed from {printable(source.name)}."
    yield suggestion.toml()
    if report is not None:
        yield f"# Replayed over the same {report.calls} calls:"
        for outcome in report.outcomes:
            yield f"# - {outcome.label}: {_summary(outcome)}"
    for note in [*suggestion.notes, *source.notes, *map(str, source.broken), CAVEAT]:
        yield f"# note: {printable(note)}"


def _summary(outcome: Outcome) -> str:
    every = outcome.rejected.total + outcome.admitted.total
    trips = "1 trip" if outcome.trip_count == 1 else f"{outcome.trip_count} trips"
    detected = outcome.median_time_to_detect
    after = f", detected after {format_seconds(detected)} (median)" if detected is not None else ""
    return (
        f"{trips}{after}; {outcome.rejected.total / every:.2%} of calls rejected, "
        f"{outcome.rejected.good / every:.2%} though good; "
        f"{outcome.admitted.bad / every:.2%} let pass though bad"
    )


def _data(suggestion: Suggestion, report: Report | None) -> dict[str, Any]:
    return {
        "thresholds": [_proposal(each) for each in suggestion.thresholds],
        "recovery": [_proposal(each) for each in suggestion.recovery],
        "slo": [_proposal(each) for each in suggestion.slo],
        "toml": suggestion.toml(),
        "warnings": list(suggestion.notes),
        "effect": None if report is None else as_data(report),
    }


def _proposal(each: Proposal) -> dict[str, str | float]:
    return {"key": each.key, "value": each.value, "unit": each.unit, "reason": each.reason}
