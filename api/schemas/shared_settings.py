"""Responses about settings that the hosts of a fleet share."""

from typing import Any, Final

from pydantic import BaseModel

SHARED: Final = "Progress at the other hosts; absent where all processes read one file."


class SharedProgress(BaseModel):
    """Progress of a change of settings at the other hosts, after at most 2 s.

    `published` is true once the hub has it. `applied` is the number of processes that have the same
    settings as the one that answers, `waiting` of those that have its former ones.
    `this_host_only` names what hosts do not share.
    """

    published: bool
    applied: int
    waiting: int
    this_host_only: list[str]
    text: str


class DriftResponse(BaseModel):
    """A setting of the host that answers that differs from the one set for all hosts.

    `own` or `fleet` is null where it is not set. `at` is the time of that change, `since` when the
    difference was first seen, both in UTC, as in RFC 3339.
    """

    key: str
    own: Any
    fleet: Any
    by: str
    at: str
    since: str
    reason: str
