"""Options of the commands that change settings, and the result of a dry run."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from breakerd.api.cli.output import err, out, print_json

ReasonOption = Annotated[
    str, typer.Option(help="Reason, for the log of configurations and the audit.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Change nothing: print what it would change.")
]
TemporaryOption = Annotated[
    bool, typer.Option("--temporary", help="Until the service's restart; not in the file.")
]


def change_query(reason: str, *, dry_run: bool, temporary: bool = False) -> str:
    """Return the query of a request that changes settings; empty if it has none."""
    query = {
        **({"dry_run": "1"} if dry_run else {}),
        **({"persist": "false"} if temporary else {}),
        **({"reason": reason} if reason else {}),
    }
    return f"?{urlencode(query)}" if query else ""


def show_preview(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print what a change would do."""
    if as_json:
        print_json(answer)
        return
    from breakerd.api.cli.views.config import preview_lines

    err.print("dry run: nothing was changed")
    for line in preview_lines(answer):
        out.print(line)
