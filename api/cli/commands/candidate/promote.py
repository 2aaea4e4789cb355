"""`breakerd promote`: make a candidate's settings those in force, now or as promised."""

from typing import Annotated, Any

import typer

from breakerd.api.cli.commands.breaker import DEFAULT_URL, AsJson, Token, Url, make_client
from breakerd.api.cli.output import USAGE_ERROR, err, fail, out, plain, print_json
from breakerd.api.cli.seconds import parse_seconds

Name = Annotated[str, typer.Argument(help="Name of the breaker.")]
After = Annotated[
    str | None, typer.Option(help="Time until then, such as 30m, 24h or 7d. Default: now.")
]
If = Annotated[
    str,
    typer.Option(
        "--if", help="What must be true then, such as 'false_rejections < 0.1% and calls >= 1000'."
    ),
]
Cancel = Annotated[bool, typer.Option("--cancel", help="Take back a promise.")]


def promote_command(
    name: Name = "default",
    after: After = None,
    condition: If = "",
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    cancel: Cancel = False,
    as_json: AsJson = False,
) -> None:
    """Make a candidate's settings those in force; say what would have been different.

    With --after the service promises to do so later, and keeps that over restarts.
    """
    client = make_client(url, token)
    if cancel:
        if after is not None or condition:
            fail("--cancel: found together with --after or --if; allowed: alone", USAGE_ERROR)
        answer = client.post(name, "promote/cancel")
    else:
        body: dict[str, Any] = {"condition": condition}
        if after is not None:
            body["after_seconds"] = parse_seconds("--after", after)
        answer = client.post(name, "promote", body)
    if as_json:
        print_json(answer)
        return
    _show(answer)


def _show(answer: dict[str, Any]) -> None:
    out.print(plain(answer["message"] + _when(answer.get("promise"))))
    for key, value in answer.get("settings", {}).items():
        out.print(plain(f"  {key} = {value}"))
    if summary := answer.get("summary"):
        out.print(plain(f"Under the candidate: {summary}"))
    if also := answer.get("also_changes"):
        err.print(f"also changes: {plain(', '.join(also))}")
    if shared := answer.get("shared"):
        err.print(plain(shared["text"]))


def _when(promise: dict[str, Any] | None) -> str:
    if promise is None:
        return ""
    condition = f", if {promise['condition']}" if promise["condition"] else ""
    return f": at {promise['due']}{condition}"
