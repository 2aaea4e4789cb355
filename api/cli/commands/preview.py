"""`breakerd alerts preview`: show what each receiver would get, and send nothing."""

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from breakerd.api.cli.output import USAGE_ERROR, fail, print_json, print_lines, show_problems
from breakerd.breaker.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from breakerd.alerts.preview.preview import Rendering, SampleAlert
    from breakerd.alerts.settings.alerting import AlertingSettings


class SampleName(StrEnum):
    """Kind of alert, or topic of the runbook, of which there is a sample."""

    OPEN = "open"
    MEMORY = "memory"
    LATENCY = "latency"
    DEGRADED = "degraded"
    OPEN_BY_LATENCY = "open-by-latency"
    OPEN_BY_ERRORS = "open-by-errors"
    OPEN_BY_HANG = "open-by-hang"
    OPEN_BY_MEMORY = "open-by-memory"
    OPEN_BY_LOAD = "open-by-load"
    OPENED_BY_OPERATOR = "opened-by-operator"
    OPEN_SINCE_RESTART = "open-since-restart"
    OVERLOAD = "overload"
    SERVICE_LEVEL = "service-level"
    ANOMALY = "anomaly"
    MACHINE_LOAD = "machine-load"
    DRILL = "drill"


Config = Annotated[Path | None, typer.Option(help="TOML file. Default: built-in settings.")]
Kind = Annotated[SampleName, typer.Option(help="What is wrong; all figures are made up.")]
Name = Annotated[str, typer.Option("--breaker", help="Name of the breaker.")]
Receiver = Annotated[str | None, typer.Option(help="Only this receiver, such as slack.ops.")]
StageNumber = Annotated[int, typer.Option("--stage", help="Stage of the alert.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def preview_alert(
    config: Config = None,
    kind: Kind = SampleName.OPEN,
    breaker: Name = "payments",
    receiver: Receiver = None,
    stage: StageNumber = 1,
    *,
    as_json: AsJson = False,
) -> None:
    """Show a sample alert as each receiver of a file would get it; send nothing."""
    from breakerd.alerts.preview.preview import make_sample, render

    settings = _settings(config)
    try:
        alert = make_sample(settings, kind.value, breaker, stage, time.time())
    except ValueError as error:
        fail(str(error), USAGE_ERROR)
    found = list(render(settings, alert))
    names = [each.receiver for each in found]
    if receiver is not None and receiver not in names:
        fail(f"found receiver {receiver!r}; allowed: {', '.join(names) or 'none'}", USAGE_ERROR)
    shown = [each for each in found if receiver in {None, each.receiver}]
    if as_json:
        print_json(_data(alert, shown))
    else:
        print_lines(_lines(alert, shown))


def _settings(config: Path | None) -> "AlertingSettings":
    from breakerd.alerts.settings.alerting import read_settings
    from breakerd.api.file_settings import read_file

    try:
        return read_file(config).alerting if config else read_settings(None)
    except ConfigError as error:
        show_problems(error)
        raise typer.Exit(USAGE_ERROR) from None


def _lines(alert: "SampleAlert", shown: "Iterable[Rendering]") -> "Iterable[str]":
    content = alert.incident.content
    yield f"{alert.step.priority} {content.message}"
    yield ""
    yield from content.description.splitlines()
    yield ""
    yield f"tags: {', '.join(content.tags)}"
    if content.template_problem:
        yield f"problem: {content.template_problem}"
    for each in shown:
        yield ""
        yield f"── {each.receiver}" + (f" ({each.remark})" if each.remark else "")
        yield from each.text.splitlines()


def _data(alert: "SampleAlert", shown: "Iterable[Rendering]") -> dict[str, object]:
    content = alert.incident.content
    return {
        "priority": alert.step.priority,
        "message": content.message,
        "description": content.description,
        "tags": content.tags,
        "details": content.details,
        "note": alert.step.note,
        "problem": content.template_problem,
        "receivers": [
            {"receiver": each.receiver, "text": each.text, "remark": each.remark} for each in shown
        ],
    }
