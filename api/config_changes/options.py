"""How a change is to be made: as the query and the headers of its request say."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query


@dataclass(frozen=True, slots=True)
class ChangeOptions:
    """How a change is to be made.

    Attributes:
        dry_run: only check it, and tell what it would change.
        persist: write it to the file; else it ends with the last process of the host.
        if_match: entity tags of what the client has seen; empty if it says nothing.
    """

    dry_run: bool = False
    persist: bool = True
    if_match: str = ""


async def get_options(
    *,
    dry_run: Annotated[
        bool, Query(description="Change nothing: check it, and tell what it would change.")
    ] = False,
    persist: Annotated[
        bool,
        Query(
            description="False: not written to the file. In force in all processes of the host, "
            "until the last of them ends; null ends such a value before."
        ),
    ] = True,
    reason: Annotated[
        str, Query(description="Reason, for the log of configurations and the audit.")
    ] = "",
    if_match: Annotated[
        str, Header(description="ETag of what was read: 412 if it has changed since.")
    ] = "",
    x_reason: Annotated[str, Header(description="Reason, where the query has none.")] = "",
) -> ChangeOptions:
    """Return what the request says; the reason is read with the client."""
    del reason, x_reason
    return ChangeOptions(dry_run, persist, if_match)


OptionsDep = Annotated[ChangeOptions, Depends(get_options)]
