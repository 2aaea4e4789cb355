"""Whether a larger window makes a call dearer, once it is full."""

from contextlib import ExitStack

from benchmarks.calls import noop_pair as empty_pair
from benchmarks.calls.breaker_under_test import Subject, entered
from benchmarks.calls.comparison import Contest, Row, WrongStateError
from benchmarks.calls.noop_pair import EMPTY
from benchmarks.harness.figures import Effort, Figure
from breakerd import Settings

SIZES = (64, 1024, 65536)
ROWS = [
    *(Row(f"window {size:,}", str(size), EMPTY) for size in SIZES),
    Row("window 65,536 against 64", "65536", "64", "<= 1.05", label="window 64"),
]


def measure(effort: Effort) -> list[Figure]:
    """Each size in steady state: the window is full before and after."""
    with ExitStack() as stack:
        subjects = entered(stack, {str(size): filled(size) for size in SIZES})
        field = [one.contestant(name) for name, one in subjects.items()]
        figures = Contest(effort, [empty_pair.contestant(), *field]).run().figures(ROWS)
        for one in subjects.values():
            must_be_full(one)
        return figures


def filled(size: int) -> Subject:
    """A breaker whose window of so many calls is full, and does not grow old."""
    one = Subject(Settings(latency_window_size=size, latency_max_age=3600), fill=size)
    must_be_full(one)
    return one


def must_be_full(one: Subject) -> None:
    """Checks it.

    Raises:
        WrongStateError: there is room in the window.
    """
    status = one.breaker.status()
    if status["window_calls"] != status["latency_window_size"]:
        raise WrongStateError(f"{status['window_calls']} calls are in the window")
