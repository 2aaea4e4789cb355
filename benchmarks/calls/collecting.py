"""The same calls with the garbage collector on, as it is in a service."""

from contextlib import ExitStack

from benchmarks.calls import empty_pair, forms
from benchmarks.calls.contest import Contest, Row
from benchmarks.calls.empty_pair import EMPTY
from benchmarks.calls.subject import Subject, entered
from benchmarks.figures import Effort, Figure

LABEL = "the empty pair, collector on"
ROWS = [
    Row("allow + done, collector on", "allow and done", EMPTY, label=LABEL),
    Row("with guard(), collector on", "guard", EMPTY, label=LABEL),
]


def measure(effort: Effort) -> list[Figure]:
    """The plain form and the guard."""
    with ExitStack() as stack:
        subjects = entered(stack, {"allow and done": Subject(), "guard": Subject()})
        field = [
            empty_pair.contestant(),
            subjects["allow and done"].contestant("allow and done"),
            subjects["guard"].contestant("guard", forms.GUARD_BODY),
        ]
        return Contest(effort, field, collecting=True).run().figures(ROWS)
