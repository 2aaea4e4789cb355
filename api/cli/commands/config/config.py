"""`breakerd config`: list, compare and roll back the configurations of a running service."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from breakerd.api.cli.change_options import (
    DryRunOption,
    ReasonOption,
    change_query,
    show_preview,
)
from breakerd.api.cli.commands.breaker import DEFAULT_URL, AsJson, Token, Url, make_client
from breakerd.api.cli.output import err, out, plain, print_json

config = typer.Typer(
    name="config",
    help="Show, compare and roll back the configurations that were in force.",
    no_args_is_help=True,
)

Number = Annotated[int, typer.Argument(help="Number of the configuration.", min=1)]
Other = Annotated[int | None, typer.Argument(help="Number of the configuration.", min=1)]
Limit = Annotated[int, typer.Option(help="Maximum number of configurations.", min=1, max=1000)]
OnlyBreaker = Annotated[
    str | None,
    typer.Option("--breaker", "-b", help="Only what has changed this breaker or the root."),
]


@config.command("log")
def config_log(
    limit: Limit = 20,
    breaker: OnlyBreaker = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the configurations that were in force, newest first: when, who, what, why."""
    query = {"limit": limit} | ({"breaker": breaker} if breaker else {})
    answer = make_client(url, token).request("GET", f"config/history?{urlencode(query)}")
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.config import log_table

    out.print(log_table(answer["configs"]) if answer["configs"] else "no configurations")
    if answer["problem"]:
        err.print(f"warning: nothing is noted now: {plain(answer['problem'])}")


@config.command("show")
def config_show(
    number: Number, url: Url = DEFAULT_URL, token: Token = None, *, as_json: AsJson = False
) -> None:
    """Print one configuration as TOML, secrets masked."""
    answer = make_client(url, token).request("GET", f"config/history/{number}")
    if as_json:
        print_json(answer)
        return
    import tomlkit

    from breakerd.api.cli.output import print_lines

    reason = f": {answer['reason']}" if answer["reason"] else ""
    head = f"# {number}, {answer['at']}, {answer['author']}{reason}"
    print_lines([head, tomlkit.dumps(answer["values"]).rstrip()])


@config.command("diff")
def config_diff(
    start: Other = None,
    to: Other = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Compare two configurations, or one with the newest.

    Without numbers: what is in force and not in the file. A difference is no failure.
    """
    client = make_client(url, token)
    if start is None:
        _print_drift(client.request("GET", "config/drift"), as_json=as_json)
        return
    query = {"from": start} | ({"to": to} if to is not None else {})
    answer = client.request("GET", f"config/diff?{urlencode(query)}")
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.config import change_lines

    for line in change_lines(answer["changes"]):
        out.print(plain(line))
    if not answer["changes"]:
        out.print(f"{answer['from']} and {answer['to']} are the same")


@config.command("rollback")
def config_rollback(
    number: Number,
    url: Url = DEFAULT_URL,
    token: Token = None,
    reason: ReasonOption = "",
    *,
    dry_run: DryRunOption = False,
    as_json: AsJson = False,
) -> None:
    """Put an earlier configuration in force again, and write it to the file.

    Secrets, and what is changed in the file only, stay as they are, and are named.
    """
    path = f"config/rollback{change_query(reason, dry_run=dry_run)}"
    answer = make_client(url, token).request("POST", path, {"to": number})
    if dry_run:
        show_preview(answer, as_json=as_json)
    elif as_json:
        print_json(answer)
    else:
        _print_rollback(answer)


def _print_rollback(answer: dict[str, Any]) -> None:
    from breakerd.api.cli.views.config import change_lines

    out.print(plain(answer["message"]))
    for line in change_lines(answer["changes"]):
        out.print(plain(line))
    for kept in answer["kept"]:
        err.print(plain(f"stays as it is: {kept['key']}: {kept['reason']}"))
    if shared := answer.get("shared"):
        err.print(plain(shared["text"]))


def _print_drift(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.config import drift_line

    for entry in answer["drift"]:
        out.print(plain(drift_line(entry)))
    if not answer["drift"]:
        out.print("what is in force is what the file has")
