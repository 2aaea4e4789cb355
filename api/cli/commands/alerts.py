"""`breakerd alerts`: what was told to whom by a running service, and what was given up."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from breakerd.api.cli.commands.breaker import HERE, AsJson, Token, Url, client_of, print_json
from breakerd.api.cli.output import WRONG, fail, out

if TYPE_CHECKING:
    from breakerd.api.cli.client import Client

alerts = typer.Typer(
    name="alerts",
    help="Asks a running service for its alerts, and deals with those that were given up.",
    no_args_is_help=True,
)


class Phase(StrEnum):
    """Where an incident is."""

    ACTIVE = "active"
    RESOLVING = "resolving"
    CLOSED = "closed"


State = Annotated[Phase | None, typer.Option(help="Only those in this state.")]
Limit = Annotated[int, typer.Option(help="At most so many.", min=1, max=1000)]
AlertId = Annotated[str, typer.Argument(metavar="ID", help="As `breakerd alerts list` shows it.")]
SomeId = Annotated[str | None, typer.Argument(metavar="ID", help="As `breakerd alerts list` says.")]
All = Annotated[bool, typer.Option("--all", help="Every one that was given up.")]
Reason = Annotated[str, typer.Option(help="For those who ask later.")]

_EVERY = 1000


@alerts.command("list")
def list_alerts(
    state: State = None,
    limit: Limit = 20,
    url: Url = HERE,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Lists the latest incidents, newest first, and what became of their alerts."""
    query = f"alerts?limit={limit}" + (f"&state={state}" if state else "")
    answer = client_of(url, token).ask("GET", query)
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.alerts import alerts_table

    out.print(alerts_table(answer["alerts"]) if answer["alerts"] else "no alerts")


@alerts.command("show")
def show_alert(
    alert_id: AlertId, url: Url = HERE, token: Token = None, *, as_json: AsJson = False
) -> None:
    """Shows one incident in full: its stages and notes, and what each receiver knows."""
    answer = client_of(url, token).ask("GET", _path(alert_id))
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.alerts import alert_table

    out.print(alert_table(answer))


@alerts.command("retry")
def retry_alert(
    alert_id: SomeId = None,
    url: Url = HERE,
    token: Token = None,
    *,
    every: All = False,
    as_json: AsJson = False,
) -> None:
    """Has what was given up tried again: of one alert, or of all."""
    if every == (alert_id is not None):
        fail("wanted either the ID of an alert, or --all", WRONG)
    client = client_of(url, token)
    given_up = _given_up(client) if alert_id is None else [alert_id]
    answers = [client.ask("POST", f"{_path(each)}/retry") for each in given_up]
    _show_done("sent again", answers, as_json=as_json)


@alerts.command("discard")
def discard_alert(
    alert_id: AlertId,
    reason: Reason,
    url: Url = HERE,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Lets be what was given up of an alert, so that nobody is told of it any more."""
    path = f"{_path(alert_id)}/discard"
    answer = client_of(url, token).ask("POST", path, {"reason": reason})
    _show_done("let be", [answer], as_json=as_json)


def _path(alert_id: str) -> str:
    return f"alerts/{quote(alert_id, safe='')}"


def _given_up(client: "Client") -> list[str]:
    listed = client.ask("GET", f"alerts?limit={_EVERY}")["alerts"]
    return [alert["id"] for alert in listed if alert["dead_letters"]]


def _show_done(what: str, answers: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"alerts": [{"id": a["id"], "receivers": a["receivers"]} for a in answers]})
        return
    for answer in answers:
        print(f"{answer['id']}: {what}, receivers: {answer['receivers']}")  # noqa: T201 - for programs too
    if not answers:
        print("nothing was given up")  # noqa: T201 - as above
