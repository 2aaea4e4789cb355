"""`breakerd incident ID`: print or write the report of one incident for the post-mortem."""

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import typer

from breakerd.api.cli.commands.breaker import DEFAULT_URL, AsJson, Token, Url, make_client
from breakerd.api.cli.output import FAILURE, USAGE_ERROR, fail, print_json, print_line, print_lines
from breakerd.breaker.storage.small_file import replace_text

IncidentId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="ID from `breakerd alerts list`, the beginning of it, or the alias."
    ),
]
Html = Annotated[
    Path | None, typer.Option(help="Write one self-contained page with pictures to this file.")
]
AsMarkdown = Annotated[bool, typer.Option("--md", help="Print Markdown (the default).")]
Database = Annotated[
    Path | None,
    typer.Option(help="Read this database of alerts, and ask no service: it may be down."),
]
Record = Annotated[
    Path | None, typer.Option(help="The record to read with it. Default: beside the database.")
]


def incident_command(
    incident: IncidentId,
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    html: Html = None,
    as_markdown: AsMarkdown = False,
    as_json: AsJson = False,
    database: Database = None,
    record: Record = None,
) -> None:
    """Print the report of one incident: what tripped, who was told when, what it cost."""
    if (html is not None) + as_markdown + as_json > 1:
        fail("give one of --html, --md and --json", USAGE_ERROR)
    if record is not None and database is None:
        fail("--record needs --database", USAGE_ERROR)
    form = "html" if html is not None else "json" if as_json else "md"
    if database is None:
        report = _asked(url, token, incident, form)
    else:
        report = _read(database, record, incident, form)
    if isinstance(report, dict):
        print_json(report)
    elif html is None:
        print_lines([report.rstrip("\n")])
    else:
        _write(html, report)


def _asked(url: str, token: str | None, incident: str, form: str) -> str | dict[str, Any]:
    """Return the report of a running service."""
    path = f"alerts/{quote(incident, safe='')}/report?format={form}"
    client = make_client(url, token)
    advice = "Where no service runs: --database FILE."
    text = client.text(path, advice=advice)
    return dict(json.loads(text)) if form == "json" else text


def _read(database: Path, record: Path | None, incident: str, form: str) -> str | dict[str, Any]:
    """Return the report from files."""
    from breakerd.alerts.report.html import to_html
    from breakerd.alerts.report.lookup import UnknownIncidentError
    from breakerd.alerts.report.markdown import to_markdown
    from breakerd.alerts.report.offline import OfflineError, read_report

    try:
        report = read_report(database, record, incident)
    except (UnknownIncidentError, OfflineError) as error:
        fail(str(error), FAILURE)
    if form == "json":
        return report.as_dict()
    return to_html(report) if form == "html" else to_markdown(report)


def _write(path: Path, page: str) -> None:
    try:
        replace_text(path, page)
    except OSError as error:
        _fail_to_write(path, error)
    print_line(f"{path}: written")


def _fail_to_write(path: Path, error: OSError) -> NoReturn:
    fail(f"{path}: cannot be written: {error.strerror or error}", FAILURE)
