"""`breakerd fleet`: the processes that share breakers, and the hub where they meet."""

from typing import Final

import typer

from breakerd.api.cli.commands.breaker import DEFAULT_URL, AsJson, Token, Url, make_client
from breakerd.api.cli.output import FAILURE, fail, out, print_json

fleet: Final = typer.Typer(
    name="fleet",
    help="Show the processes that share breakers with a running service.",
    invoke_without_command=True,
)


@fleet.callback()
def summary(
    context: typer.Context, url: Url = DEFAULT_URL, token: Token = None, *, as_json: AsJson = False
) -> None:
    """Show the hub, the number of processes, and what differs among them."""
    if context.invoked_subcommand is not None:
        return
    answer = make_client(url, token).request("GET", "fleet")
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.fleet import summary_table

    out.print(summary_table(answer))


@fleet.command()
def members(url: Url = DEFAULT_URL, token: Token = None, *, as_json: AsJson = False) -> None:
    """List the processes, what they are, and the state of their breakers."""
    answer = make_client(url, token).request("GET", "fleet")
    if as_json:
        print_json(answer["members"])
        return
    from breakerd.api.cli.views.fleet import members_table

    out.print(members_table(answer["members"]) if answer["members"] else "no processes")


@fleet.command()
def drift(url: Url = DEFAULT_URL, token: Token = None, *, as_json: AsJson = False) -> None:
    """List the settings of the host that answers that differ from those set for all hosts."""
    found = make_client(url, token).request("GET", "fleet")["drift"]
    if as_json:
        print_json(found)
        return
    from breakerd.api.cli.views.fleet import drift_table

    out.print(drift_table(found) if found else "no drift")


@fleet.command()
def hub(url: Url = DEFAULT_URL, token: Token = None, *, as_json: AsJson = False) -> None:
    """Show where the processes meet; exit with 1 if that does not answer."""
    found = make_client(url, token).request("GET", "fleet")["hub"]
    if as_json:
        print_json(found)
    else:
        from breakerd.api.cli.views.fleet import hub_table

        out.print(hub_table(found))
    if not found["up"]:
        fail(found["problem"] or "there is no hub: each process is alone", FAILURE)
