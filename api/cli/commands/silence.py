"""`breakerd silence`: mute alerts of a running service for a time."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from breakerd.api.cli.commands.breaker import (
    DEFAULT_URL,
    AsJson,
    Token,
    Url,
    make_client,
)
from breakerd.api.cli.output import USAGE_ERROR, err, fail, out, plain, print_json, print_line
from breakerd.api.cli.seconds import parse_seconds

silence = typer.Typer(
    name="silence",
    help="Mute alerts of a running service; incidents still active at the end are notified then.",
    no_args_is_help=True,
)

Matchers = Annotated[
    list[str] | None,
    typer.Option(
        "--match",
        "-m",
        help="Condition such as breaker=pay*, kind=memory or Team!=core; all must match.",
    ),
]
Length = Annotated[str | None, typer.Option("--for", help="Duration, such as 30m, 2h or 1d.")]
Until = Annotated[datetime | None, typer.Option(help="End in local time; instead of --for.")]
Reason = Annotated[str, typer.Option(help="Reason, for the audit log.")]
Author = Annotated[str | None, typer.Option(help="Author. Default: the logged-in user.")]
Start = Annotated[datetime | None, typer.Option(help="Start in local time. Default: now.")]
Force = Annotated[bool, typer.Option("--force", help="Accept a label that no alert has.")]
SilenceId = Annotated[str, typer.Argument(metavar="ID", help="ID from `breakerd silence list`.")]


@silence.command("add")
def add_silence(  # noqa: PLR0913 - each is an option
    reason: Reason,
    length: Length = None,
    until: Until = None,
    match: Matchers = None,
    author: Author = None,
    start: Start = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Start a silence, now or later; print its id, and what it matches now."""
    body: dict[str, Any] = {
        "matchers": match or [],
        "author": author or getpass.getuser(),
        "reason": reason,
        "seconds": _seconds(length, start or datetime.now().astimezone(), until),
    }
    if start is not None:
        body["starts_at"] = start.astimezone(UTC).isoformat()
    if force:
        body["force"] = True
    answer = make_client(url, token).request("POST", "silences", body)
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.silences import effect_lines

    print_line(answer["id"])
    for line in effect_lines(answer["matches"]):
        print_line(line)
    for warning in answer["warnings"]:
        err.print(f"warning: {plain(warning)}")


@silence.command("list")
def list_silences(url: Url = DEFAULT_URL, token: Token = None, *, as_json: AsJson = False) -> None:
    """List current and future silences, and the maintenance windows of the file."""
    answer = make_client(url, token).request("GET", "silences")
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.silences import silences_table

    out.print(silences_table(answer))


@silence.command("end")
def end_silence(silence_id: SilenceId, url: Url = DEFAULT_URL, token: Token = None) -> None:
    """End a silence now; incidents that it muted are notified."""
    make_client(url, token).request("DELETE", f"silences?id={quote(silence_id, safe='')}")


def _seconds(length: str | None, start: datetime, until: datetime | None) -> float:
    if (length is None) == (until is None):
        fail("give either --for or --until", USAGE_ERROR)
    if until is not None:
        return (until.astimezone() - start.astimezone()).total_seconds()
    return parse_seconds("--for", length or "")
