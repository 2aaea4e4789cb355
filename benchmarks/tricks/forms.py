"""What the caller may do: bind the clock once. And what a look at an enum's member costs."""

from typing import Final

from benchmarks.calls.contest import Contestant, Unwatched
from benchmarks.calls.loop import plain
from benchmarks.calls.subject import BODY
from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import Change, figures
from benchmarks.tricks.undone import Field, Same
from breaker import State
from breaker.state import CLOSED

CLOCK: Final = "b.clock() in place of a bound one"
MEMBER: Final = "an enum's member looked up in its class"
KEYWORD: Final = "error=False said at each call"
LOOK: Final = "s is member"


def measure(effort: Effort) -> list[Figure]:
    """Two forms of a call, and two of a comparison."""
    field = Field(effort)
    field.add(CLOCK, Same(), body=BODY.replace("clock()", "b.clock()"))
    field.add(KEYWORD, Same(), body=BODY.replace("clock())", "clock(), error=False)"))
    named = {"s": CLOSED, "member": CLOSED, "State": State}
    field.join(Contestant(LOOK, plain(LOOK, **named), Unwatched()))
    field.join(Contestant(MEMBER, plain("s is State.CLOSED", **named), Unwatched()))
    note = "by itself, against a name; State.CLOSED"
    rows = [Change(CLOCK, CLOCK), Change(KEYWORD, KEYWORD), Change(MEMBER, MEMBER, LOOK, note)]
    return figures(field.run(), rows)
