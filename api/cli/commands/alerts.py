"""`breakerd alerts`: list the alerts of a running service, and handle dead letters."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from breakerd.api.cli.commands.breaker import (
    DEFAULT_URL,
    AsJson,
    Token,
    Url,
    make_client,
)
from breakerd.api.cli.commands.preview import preview_alert
from breakerd.api.cli.output import USAGE_ERROR, fail, out, print_json, print_line

if TYPE_CHECKING:
    from breakerd.api.cli.client import AdminClient

alerts = typer.Typer(
    name="alerts",
    help="List the alerts of a running service; retry or discard dead letters.",
    no_args_is_help=True,
)
alerts.command("preview")(preview_alert)


class IncidentState(StrEnum):
    """Phase of an incident."""

    ACTIVE = "active"
    RESOLVING = "resolving"
    CLOSED = "closed"


State = Annotated[IncidentState | None, typer.Option(help="Only incidents in this state.")]
Limit = Annotated[int, typer.Option(help="Maximum number of incidents.", min=1, max=1000)]
AlertId = Annotated[str, typer.Argument(metavar="ID", help="ID from `breakerd alerts list`.")]
SomeId = Annotated[str | None, typer.Argument(metavar="ID", help="ID from `breakerd alerts list`.")]
All = Annotated[bool, typer.Option("--all", help="All alerts with dead letters.")]
Reason = Annotated[str, typer.Option(help="Reason, for the audit log.")]

_MAX_LISTED = 1000
"""Maximum number of incidents that the service lists."""


@alerts.command("list")
def list_alerts(
    state: State = None,
    limit: Limit = 20,
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the latest incidents with the delivery of their alerts, newest first."""
    query = f"alerts?limit={limit}" + (f"&state={state}" if state else "")
    answer = make_client(url, token).request("GET", query)
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.alerts import alerts_table

    out.print(alerts_table(answer["alerts"]) if answer["alerts"] else "no alerts")


@alerts.command("show")
def show_alert(
    alert_id: AlertId, url: Url = DEFAULT_URL, token: Token = None, *, as_json: AsJson = False
) -> None:
    """Show one incident in full: stages, notes, and the delivery per receiver."""
    answer = make_client(url, token).request("GET", _path(alert_id))
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.alerts import alert_table

    out.print(alert_table(answer))


@alerts.command("retry")
def retry_alert(
    alert_id: SomeId = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    every: All = False,
    as_json: AsJson = False,
) -> None:
    """Deliver the dead letters of one alert, or of all alerts, again."""
    if every == (alert_id is not None):
        fail("give either the ID of an alert or --all", USAGE_ERROR)
    client = make_client(url, token)
    ids = _dead_letters(client) if alert_id is None else [alert_id]
    answers = [client.request("POST", f"{_path(each)}/retry") for each in ids]
    _show_results("requeued", answers, as_json=as_json)


@alerts.command("discard")
def discard_alert(
    alert_id: AlertId,
    reason: Reason,
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Discard an alert's dead letters; they are not delivered any more."""
    path = f"{_path(alert_id)}/discard"
    answer = make_client(url, token).request("POST", path, {"reason": reason})
    _show_results("discarded", [answer], as_json=as_json)


def _path(alert_id: str) -> str:
    return f"alerts/{quote(alert_id, safe='')}"


def _dead_letters(client: "AdminClient") -> list[str]:
    listed = client.request("GET", f"alerts?limit={_MAX_LISTED}")["alerts"]
    return [alert["id"] for alert in listed if alert["dead_letters"]]


def _show_results(what: str, answers: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"alerts": [{"id": a["id"], "receivers": a["receivers"]} for a in answers]})
        return
    for answer in answers:
        print_line(f"{answer['id']}: {what}, receivers: {answer['receivers']}")
    if not answers:
        print_line("no dead letters")
