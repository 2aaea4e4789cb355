"""`breakerd doctor`: check that alerting, the hub and the record are set up correctly."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from breakerd.alerts.doctor.finding import CheckStatus, Finding, ok, warning
from breakerd.api.cli.output import FAILURE, USAGE_ERROR, out, plain, print_json, show_problems
from breakerd.breaker.errors import ConfigError

if TYPE_CHECKING:
    from breakerd.api.file_settings import FileSettings
    from breakerd.breaker.config import Document

_SIGNS = {
    CheckStatus.OK: "[green]✓[/]",
    CheckStatus.WARNING: "[yellow]![/]",
    CheckStatus.FAIL: "[red]✗[/]",
    CheckStatus.UNKNOWN: "[dim]–[/]",  # noqa: RUF001 - a dash is meant
}

Config = Annotated[Path | None, typer.Option(help="TOML file. Default: built-in settings.")]
SendTest = Annotated[
    bool,
    typer.Option("--send-test", help="Send a marked test alert (P5), confirm and close it."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def doctor_command(
    config: Config = None, *, send_test: SendTest = False, as_json: AsJson = False
) -> None:
    """Check that alerts would reach people and the hub works; print what is wrong, page nobody."""
    try:
        findings = _findings(config, send_test=send_test)
    except ConfigError as error:
        show_problems(error)
        raise typer.Exit(USAGE_ERROR) from None
    found = []
    for finding in findings:
        found.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        print_json({"findings": [finding.as_dict() for finding in found]})
    if any(finding.status is CheckStatus.FAIL for finding in found):
        raise typer.Exit(FAILURE)


def _findings(config: Path | None, *, send_test: bool) -> Iterator[Finding]:
    """Check the settings, and return an iterator that runs the other checks one by one.

    Raises:
        ConfigError: every problem in the file and the environment.
    """
    # No other command needs these.
    from breakerd.alerts.doctor.doctor import run_checks
    from breakerd.alerts.doctor.send_test import send_probes
    from breakerd.alerts.settings.alerting import read_settings
    from breakerd.api.cli.commands.access_check import check_access
    from breakerd.api.cli.commands.file_check import check_file
    from breakerd.api.cli.commands.record_check import check_record
    from breakerd.api.cli.fleet_checks.checks import check_fleet
    from breakerd.api.file_settings import settings_of
    from breakerd.api.settings import ApiSettings
    from breakerd.breaker.config import read_document
    from breakerd.breaker.fleet.settings.reading import read_fleet_section
    from breakerd.breaker.record.settings import HistorySettings, record_file

    document = read_document(config) if config else None
    file = settings_of(document) if document else None
    settings = file.alerting if file else read_settings(None)
    fleet = file.fleet if file else read_fleet_section(None)
    access = check_access(file.api if file else ApiSettings())

    history, record = file.history if file else HistorySettings(), record_file(document)

    def run() -> Iterator[Finding]:
        yield _check_settings(document, file)
        yield check_file(config)
        yield access
        yield from run_checks(settings)
        yield from check_fleet(fleet, settings.alerts.database)
        yield from check_record(history, record)
        if send_test:
            yield from send_probes(settings)

    return run()


def _check_settings(document: "Document | None", file: "FileSettings | None") -> Finding:
    """Tell how many warnings `breakerd check` has of the file."""
    from breakerd.api.advice.advise import advise
    from breakerd.api.advice.rule import Subject

    if document is None or file is None:
        return ok("settings", "built-in defaults, without --config: no errors")
    number = len(file.warnings) + len(advise(Subject(document, file)))
    if not number:
        return ok("settings", f"{document.path}: no errors")
    found = f"{document.path}: no errors, {number} {'warning' if number == 1 else 'warnings'}"
    return warning("settings", found, f"`breakerd check {document.path}` lists them")


def _show(finding: Finding) -> None:
    check = plain(f"{finding.check:<15}")
    out.print(f"{_SIGNS[finding.status]} {check}  {plain(finding.found)}")
    if finding.advice and finding.status is not CheckStatus.OK:
        out.print(f"[dim]{'':<19}→ {plain(finding.advice)}[/]")
