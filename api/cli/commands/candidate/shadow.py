"""`breakerd shadow`: compare a candidate with the settings in force, or drop it."""

from enum import StrEnum
from typing import Annotated

import typer

from breakerd.api.cli.commands.breaker import DEFAULT_URL, AsJson, Token, Url, make_client
from breakerd.api.cli.output import out, plain, print_json


class ShadowAction(StrEnum):
    """What to do with a candidate. An enumeration: typer knows Literal only since 0.19."""

    SHOW = "show"
    DROP = "drop"


Name = Annotated[str, typer.Argument(help="Name of the breaker.")]
Action = Annotated[ShadowAction, typer.Argument(help="Show the comparison, or drop the candidate.")]


def shadow_command(
    name: Name = "default",
    action: Action = ShadowAction.SHOW,
    url: Url = DEFAULT_URL,
    token: Token = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Compare a breaker's candidate with the settings in force: trips, calls rejected, good ones.

    `drop` removes the candidate from the file.
    """
    client = make_client(url, token)
    if action is ShadowAction.DROP:
        answer = client.post(name, "shadow/drop")
        if as_json:
            print_json(answer)
        else:
            out.print(plain(f"{answer['message']}. {answer['summary']}"))
        return
    report = client.get(name, "shadow")
    if as_json:
        print_json(report)
        return
    from breakerd.api.cli.views.shadow import shadow_page

    out.print(shadow_page(name, report))
