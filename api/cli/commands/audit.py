"""`breakerd audit`: list who has changed what of a running service."""

from typing import Annotated
from urllib.parse import urlencode

import typer

from breakerd.api.cli.commands.breaker import DEFAULT_URL, AsJson, Token, Url, make_client
from breakerd.api.cli.output import err, out, plain, print_json

Limit = Annotated[int, typer.Option(help="Maximum number of changes.", min=1, max=1000)]
OnlyBreaker = Annotated[
    str | None, typer.Option("--breaker", "-b", help="Only changes of this breaker.")
]


def audit_command(
    limit: Limit = 20,
    breaker: OnlyBreaker = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the latest changes, newest first: when, who, what, from what to what."""
    query = {"limit": limit} | ({"breaker": breaker} if breaker else {})
    answer = make_client(url, token).request("GET", f"audit?{urlencode(query)}")
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.audit import audit_table

    out.print(audit_table(answer["entries"]) if answer["entries"] else "no changes")
    if answer["problem"]:
        err.print(f"warning: the audit file cannot be written: {plain(answer['problem'])}")
