"""`breakerd drill`: rehearse an incident on a running service; all is marked as a drill."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from breakerd.api.cli.commands.breaker import (
    DEFAULT_URL,
    AsJson,
    BreakerName,
    CommandScope,
    ScopeOption,
    Token,
    Url,
    in_scope,
    make_client,
    show_result,
)
from breakerd.api.cli.output import err, plain, print_json, print_line
from breakerd.api.cli.seconds import parse_seconds

drill = typer.Typer(
    name="drill",
    help="Rehearse an incident on a running service: status and alerts are marked as a drill.",
    no_args_is_help=True,
)


class DrillPriority(StrEnum):
    """Priority of an alert."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P5 = "P5"


End = Annotated[bool, typer.Option("--end", help="End the drill.")]
Priority = Annotated[DrillPriority, typer.Option(help="Priority of the alert.")]
Length = Annotated[str, typer.Option("--for", help="Time until it is closed, 10s to 1h.")]


@drill.command("latency")
def drill_latency(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    scope: ScopeOption = CommandScope.FLEET,
    *,
    end: End = False,
    as_json: AsJson = False,
) -> None:
    """Trip a breaker by simulated slow calls: real calls are rejected, and people are paged."""
    client = make_client(url, token)
    path, body = ("reset", {"confirm": True}) if end else ("trigger-by-latency", None)
    _show(client.post(breaker, in_scope(path, scope), body), as_json=as_json)


@drill.command("memory")
def drill_memory(
    breaker: BreakerName = "default",
    url: Url = DEFAULT_URL,
    token: Token = None,
    scope: ScopeOption = CommandScope.FLEET,
    *,
    end: End = False,
    as_json: AsJson = False,
) -> None:
    """Trip a breaker as if all memory were used, until --end: calls are rejected, people paged."""
    path = "restore-memory-check" if end else "trigger-by-memory"
    answer = make_client(url, token).post(breaker, in_scope(path, scope))
    _show(answer, as_json=as_json)


@drill.command("page")
def drill_page(
    breaker: BreakerName = "default",
    priority: Priority = DrillPriority.P1,
    length: Length = "60s",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Page people through all receivers, and close the alert after a while; no call is touched."""
    body = {"priority": priority.value, "seconds": parse_seconds("--for", length)}
    answer = make_client(url, token).post(breaker, "drill-page", body)
    if as_json:
        print_json(answer)
        return
    print_line(answer["id"])
    print_line(answer["message"])
    for problem in answer["paging_problems"]:
        err.print(f"warning: {plain(problem)}")


def _show(answer: dict[str, Any], *, as_json: bool) -> None:
    show_result(answer, as_json=as_json)
    if not as_json and "note" in answer:
        print_line(answer["note"])
