"""Options of the commands that replay a breaker's own history, and its reading."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from breakerd.api.cli.commands.replay.history_pages import history_pages
from breakerd.api.cli.output import USAGE_ERROR, err, fail, plain, show_problems
from breakerd.api.cli.seconds import parse_seconds
from breakerd.breaker.config import read_document
from breakerd.breaker.errors import ConfigError, TraceError
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.rows import RecordError
from breakerd.breaker.record.settings import record_file
from breakerd.breaker.replay import CallRecord, HistorySource
from breakerd.breaker.replay.history.record_slots import finest_slots

_CALLS_PER_UPDATE: Final = 5000
"""Number of calls between updates of the progress bar."""

HistoryOption = Annotated[
    bool, typer.Option("--history", help="Replay the breaker's own record, in place of a trace.")
]
SinceOption = Annotated[
    str, typer.Option("--since", help="How far back to read the record, such as 7d, 12h or 30m.")
]
RecordOption = Annotated[
    Path | None,
    typer.Option("--record", help="File of the record. Default: the TOML file's."),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="BREAKERD_URL", help="Read the record from this service, not from a file."
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(envvar="BREAKERD_TOKEN", help="Token. Default: the service's var/token."),
]


@dataclass(frozen=True, slots=True)
class HistoryInput:
    """Which history to read, and from where.

    Attributes:
        breaker: name of the breaker.
        since: how far back, as typed.
        record: file of the record, if it is given.
        url: URL of the service to ask, if it is given; a file that is given comes first.
        token: token of the service.
        config: TOML file that names the file of the record; None for the default file.
    """

    breaker: str
    since: str
    record: Path | None
    url: str | None
    token: str | None
    config: Path | None


def open_history(wanted: HistoryInput) -> HistorySource:
    """Return the calls of a history; an error ends the command with one line."""
    end = time.time()
    start = end - parse_seconds("--since", wanted.since)
    try:
        if wanted.url and wanted.record is None:
            return _from_service(wanted, wanted.url, start, end)
        return _from_file(wanted, start, end)
    except (TraceError, RecordError) as error:
        fail(str(error), USAGE_ERROR)


@contextmanager
def with_history_progress(source: HistorySource) -> Iterator[Iterable[CallRecord]]:
    """Provide the calls of a history; show a progress bar on a terminal."""
    if not err.is_terminal:
        yield source
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        yield _report_progress(source, progress)


def _report_progress(source: HistorySource, progress: Progress) -> Iterator[CallRecord]:
    task = progress.add_task(plain(source.name), total=source.ended - source.began)
    for number, call in enumerate(source):
        if number % _CALLS_PER_UPDATE == 0:
            progress.update(task, completed=call.start - source.began)
        yield call


def _from_service(wanted: HistoryInput, url: str, start: float, end: float) -> HistorySource:
    from breakerd.api.cli.client import AdminClient

    client = AdminClient(url, wanted.token)
    slots = history_pages(client, wanted.breaker, start, end)
    return HistorySource(f"{wanted.breaker}, from the service", slots)


def _from_file(wanted: HistoryInput, start: float, end: float) -> HistorySource:
    file = wanted.record or _record_file(wanted.config)
    if not file.exists():
        fail(
            f"{file}: no record; allowed: --record FILE, or --url URL of a running service",
            USAGE_ERROR,
        )
    reader = RecordReader(file)
    slots = finest_slots(reader, wanted.breaker, start, end)
    if not slots:
        _fail_without_calls(reader, file, wanted)
    return HistorySource(f"{wanted.breaker}, from {file}", slots)


def _fail_without_calls(reader: RecordReader, file: Path, wanted: HistoryInput) -> None:
    known = reader.breakers()
    if wanted.breaker not in known:
        names = ", ".join(known) or "none"
        fail(f"{file}: no calls of breaker {wanted.breaker!r}; known: {names}", USAGE_ERROR)


def _record_file(config: Path | None) -> Path:
    try:
        return record_file(read_document(config) if config else None)
    except ConfigError as error:
        show_problems(error)
        raise typer.Exit(USAGE_ERROR) from None
