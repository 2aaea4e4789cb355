"""What a call costs that is turned away."""

from contextlib import ExitStack

from benchmarks.calls import noop_pair as empty_pair
from benchmarks.calls.breaker_under_test import Subject, entered
from benchmarks.calls.comparison import Contest, Contestant, Row, Unwatched
from benchmarks.calls.noop_pair import EMPTY, EmptyBreaker, EmptyError, EmptyPair, nothing
from benchmarks.calls.timed_loop import Loop, plain
from benchmarks.harness.figures import Effort, Figure
from breakerd import Breaker, BreakerOpenError, Settings, State

METHOD = "an empty method call"
LEAST = "one answer taken from a list"
ERROR = "an empty error"
CAUGHT = """
try:
    {call}
except Error:
    pass
"""
ROWS = [
    Row(METHOD, METHOD, "", note="e.allow()"),
    Row("allow when open", "open", METHOD, "<= 1.5", label=METHOD),
    Row(LEAST, LEAST, METHOD, label=METHOD, note="a method that pops, and does nothing else"),
    Row("allow when forced open", "forced open", METHOD, label=METHOD),
    Row(ERROR, ERROR, EMPTY, note="a method that raises an exception of no text, and its handler"),
    Row("with guard(), rejected", "guard", EMPTY, note="raises BreakerOpenError; its handler too"),
    Row("decorator, rejected", "decorator", EMPTY, note="raises BreakerOpenError; its handler too"),
]


def measure(effort: Effort) -> list[Figure]:
    """By `allow` alone, and by the error that the other forms raise."""
    with ExitStack() as stack:
        subjects = entered(stack, contestants())
        guarded = subjects["decorator"].breaker(nothing)
        with_guard = CAUGHT.format(call="with b.guard(): f()")
        decorated = CAUGHT.format(call="g()")
        field = [
            empty_pair.contestant(),
            Contestant(METHOD, plain("e.allow()", e=EmptyPair()), Unwatched()),
            Answers(effort.calls).contestant(LEAST),
            Contestant(ERROR, empty_error(), Unwatched()),
            subjects["open"].contestant("open", "b.allow()"),
            subjects["forced open"].contestant("forced open", "b.allow()"),
            subjects["guard"].contestant("guard", with_guard, Error=BreakerOpenError),
            subjects["decorator"].contestant(
                "decorator", decorated, g=guarded, Error=BreakerOpenError
            ),
        ]
        return Contest(effort, field).run().figures(ROWS)


def contestants() -> dict[str, Subject]:
    """Breakers that turn calls away, and will not probe for an hour."""
    waiting = Settings(wait_time=3600)
    tripped = {
        name: Subject(waiting, state=State.OPEN, prepare=Breaker.trip)
        for name in ("open", "guard", "decorator")
    }
    forced = Subject(state=State.FORCED_OPEN, prepare=Breaker.force_open)
    return {**tripped, "forced open": forced}


class Answers(Unwatched):
    """The least that counts as well as it answers: prepared answers, and none who prepares them."""

    __slots__ = ("_answers", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: list[bool] = []

    def allow(self) -> bool:
        """The next one."""
        return self._answers.pop()

    def begin(self) -> None:
        """Prepares enough of them; a warm-up may take nearly twice as many as a measurement."""
        self._answers += [False] * (2 * self._most - len(self._answers))

    def contestant(self, name: str) -> Contestant:
        """Itself as `name`."""
        return Contestant(name, plain("b.allow()", b=self), self)


def empty_error() -> Loop:
    """A loop that raises and handles an error."""
    return plain(CAUGHT.format(call="e.reject()"), e=EmptyBreaker(), Error=EmptyError)
