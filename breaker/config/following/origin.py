"""Origin of a change of the configuration: who has asked for it, by which way, and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """Way by which a configuration came into force."""

    START = "start"
    """It was in the file when a process started."""
    FILE = "file"
    """Somebody has edited the file."""
    HTTP = "http"
    """A request to the admin plane."""
    COMMAND = "command line"
    """A command of `breakerd`, which sends a request."""
    FLEET = "fleet"
    """A change on another host."""
    PROMISE = "promise"
    """A promise to promote a candidate that has come due."""
    PROGRAM = "program"
    """A call of the application's own code."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who has asked for a change.

    Attributes:
        way: the way by which it came.
        by: name of the person, or address of the client; empty if it is not known.
        right: right by which it was allowed, such as "full token"; empty if none was needed.
        reason: reason that was given; empty if none was.
    """

    way: Way
    by: str = ""
    right: str = ""
    reason: str = ""

    def __str__(self) -> str:
        """Return it as a phrase: `alice by HTTP with the full token`."""
        who = self.by or "somebody"
        words = {
            Way.START: "found at the start",
            Way.FILE: "edit of the file",
            Way.HTTP: f"{who} by HTTP",
            Way.COMMAND: f"{who} by the command line",
            Way.FLEET: f"{who} on another host",
            Way.PROMISE: f"a promise to {who}",
            Way.PROGRAM: "the program",
        }
        return f"{words[self.way]} with the {self.right}" if self.right else words[self.way]


_ORIGIN: ContextVar[Origin | None] = ContextVar("breakerd_change_origin", default=None)


@contextmanager
def changing_as(origin: Origin) -> Iterator[None]:
    """Name who asks for the changes that this thread makes in the block."""
    token = _ORIGIN.set(origin)
    try:
        yield
    finally:
        _ORIGIN.reset(token)


def present_origin() -> Origin:
    """Return who asks for the change that this thread makes; the program, if nobody is named."""
    return _ORIGIN.get() or Origin(Way.PROGRAM)
