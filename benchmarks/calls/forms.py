"""Every form of a guarded call, and the cheapest conceivable of each."""

import time
from contextlib import ExitStack

from benchmarks.calls import noop_pair as empty_pair
from benchmarks.calls.breaker_under_test import Subject, entered
from benchmarks.calls.comparison import Contest, Contestant, Row, Unwatched
from benchmarks.calls.noop_pair import EMPTY, EmptyBreaker, nothing
from benchmarks.calls.timed_loop import Loop, plain
from benchmarks.harness.figures import Effort, Figure

SIGNATURE = "an empty pair of the same signatures"
README = "an empty pair in the README's form"
README_BODY = """
if b.allow():
    start = b.clock()
    f()
    b.done(start, b.clock(), error=False)
"""
GUARD_BODY = """
with b.guard():
    f()
"""
TIMEOUT_BODY = """
with b.guard(timeout=10):
    f()
"""
ROWS = [
    Row(SIGNATURE, SIGNATURE, EMPTY, note="if allow(); done has error=False; time.monotonic"),
    Row(README, README, EMPTY, note="b.clock() each time, error=False said"),
    Row("the README's form", "readme", EMPTY, note="b.clock() each time, error=False said"),
    Row(
        "allow + done, same signatures",
        "allow and done",
        SIGNATURE,
        label=SIGNATURE,
        note="for its own sake: what it costs beyond its signature",
    ),
    Row("the README's form, same form", "readme", README, label=README),
    Row(
        "an empty guard",
        "empty guard",
        EMPTY,
        note="a guard that calls the empty pair: only inlining costs less",
    ),
    Row("with guard()", "guard", EMPTY, "<= 2.5"),
    Row("with guard(timeout=10)", "timeout", EMPTY),
    Row("an empty decorator", "empty decorator", EMPTY, note="a wrapper that calls the empty pair"),
    Row("decorator", "decorator", EMPTY, "<= 2.5"),
    Row("call(f)", "call", EMPTY),
]


def measure(effort: Effort) -> list[Figure]:
    """The forms of a synchronous call."""
    with ExitStack() as stack:
        names = ("allow and done", "readme", "guard", "timeout", "decorator", "call")
        subjects = entered(stack, {name: Subject() for name in names})
        decorated = subjects["decorator"].breaker(nothing)
        field = [
            empty_pair.contestant(),
            *empty_forms(),
            subjects["allow and done"].contestant("allow and done"),
            subjects["readme"].contestant("readme", README_BODY),
            subjects["guard"].contestant("guard", GUARD_BODY),
            subjects["timeout"].contestant("timeout", TIMEOUT_BODY),
            subjects["decorator"].contestant("decorator", "g()", g=decorated),
            subjects["call"].contestant("call", "b.call(f)"),
        ]
        return Contest(effort, field).run().figures(ROWS)


def empty_forms() -> list[Contestant]:
    """Each form with nothing in it."""
    same = "if b.allow():\n    start = clock()\n    f()\n    b.done(start, clock())"
    bodies = {
        SIGNATURE: same,
        README: README_BODY,
        "empty guard": GUARD_BODY,
        "empty decorator": "g()",
    }
    return [Contestant(name, empty_form(body), Unwatched()) for name, body in bodies.items()]


def empty_form(body: str) -> Loop:
    """A loop of `body` around an empty breaker."""
    empty = EmptyBreaker()
    return plain(body, b=empty, clock=time.monotonic, f=nothing, g=empty(nothing))
