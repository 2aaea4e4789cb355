"""Cost of a rejected call: by `allow` alone, and by the error that the other forms raise."""

from contextlib import ExitStack
from typing import Final

from benchmarks.calls.breaker_under_test import BreakerUnderTest, enter_all
from benchmarks.harness import noop_pair
from benchmarks.harness.call_forms import CAUGHT, DECORATOR, GUARD, caught
from benchmarks.harness.comparison import Candidate, Comparison, NoCheck, Row
from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.noop_pair import NOOP, NoopBreaker, NoopError, NoopPair, nothing
from benchmarks.harness.timed_loop import Loop, plain
from breakerd import Breaker, BreakerOpenError, Settings, State

METHOD: Final = "a no-op method call"
POP: Final = "one decision taken from a list"
ERROR: Final = "a no-op error"
ROWS: Final = [
    Row(METHOD, METHOD, "", note="e.allow()"),
    Row("allow when open", "open", METHOD, "<= 1.5", label=METHOD),
    Row(POP, POP, METHOD, label=METHOD, note="a method that pops, and does nothing else"),
    Row("allow when forced open", "forced open", METHOD, label=METHOD),
    Row(ERROR, ERROR, NOOP, note="a method that raises an error without a message, and a handler"),
    Row("with guard(), rejected", "guard", NOOP, note="raises BreakerOpenError; handler included"),
    Row("decorator, rejected", "decorator", NOOP, note="raises BreakerOpenError; handler included"),
]


def measure(effort: Effort) -> list[Figure]:
    """Measure each form of a rejection, and the least that each could cost."""
    with ExitStack() as stack:
        subjects = enter_all(stack, rejecting())
        guarded = subjects["decorator"].breaker(nothing)
        error = {"Error": BreakerOpenError}
        candidates = [
            noop_pair.candidate(),
            Candidate(METHOD, plain("e.allow()", e=NoopPair()), NoCheck()),
            PreparedDecisions(effort.calls).candidate(POP),
            Candidate(ERROR, noop_error(), NoCheck()),
            subjects["open"].candidate("open", "b.allow()"),
            subjects["forced open"].candidate("forced open", "b.allow()"),
            subjects["guard"].candidate("guard", caught(GUARD), **error),
            subjects["decorator"].candidate("decorator", caught(DECORATOR), g=guarded, **error),
        ]
        return Comparison(effort, candidates).run().figures(ROWS)


def rejecting() -> dict[str, BreakerUnderTest]:
    """Return breakers that reject all calls, and do not probe within an hour."""
    waiting = Settings(wait_time=3600)
    tripped = {
        name: BreakerUnderTest(waiting, state=State.OPEN, prepare=Breaker.trip)
        for name in ("open", "guard", "decorator")
    }
    forced = BreakerUnderTest(state=State.FORCED_OPEN, prepare=Breaker.force_open)
    return {**tripped, "forced open": forced}


class PreparedDecisions(NoCheck):
    """The least that both decides and counts: pops from a list that nothing refills meanwhile.

    Args:
        most: maximum number of calls of a measurement.
    """

    __slots__ = ("_decisions", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._decisions: list[bool] = []

    def allow(self) -> bool:
        """Return the next decision."""
        return self._decisions.pop()

    def begin(self) -> None:
        """Fill the list; a warm-up may take almost twice as many as a measurement."""
        self._decisions += [False] * (2 * self._most - len(self._decisions))

    def candidate(self, name: str) -> Candidate:
        """Return itself as `name`."""
        return Candidate(name, plain("b.allow()", b=self), self)


def noop_error() -> Loop:
    """Return a loop that raises and handles an error."""
    return plain(CAUGHT.format(call="e.reject()"), e=NoopBreaker(), Error=NoopError)
