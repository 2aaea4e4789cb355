"""The part `revisions`: cost of a call in this tree, beside that of another revision.

Each is a copy with a name of its own, in one process. A second copy of this tree is the control:
what its ratio differs from 1 is noise. The place of code in memory matters, so all are imported
anew for every few rounds.
"""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Final

from benchmarks.calls.breaker_under_test import BreakerUnderTest
from benchmarks.calls.forms import DECORATOR_REACH, GUARD_REACH
from benchmarks.harness import call_forms, noop_pair
from benchmarks.harness.child import ROOT
from benchmarks.harness.comparison import Candidate, Comparison, Row
from benchmarks.harness.figures import Effort, Figure, UnavailableError
from benchmarks.harness.noop_pair import NOOP, nothing
from benchmarks.harness.revision import check_out, load

NAME: Final = "revisions"

ROUNDS: Final = 5
"""Number of rounds after which all revisions are imported anew."""
FORMS: Final = {
    "allow + done": call_forms.ALLOW_DONE,
    "with guard()": call_forms.GUARD,
    "decorator": call_forms.DECORATOR,
}
REACHES: Final = {"with guard()": GUARD_REACH, "decorator": DECORATOR_REACH}
"""Reach to the no-op pair, by form."""
REVISION_REACHES: Final = {"allow + done": "<= 1.03"}
"""Reach to the other revision, by form."""
OURS: Final = "this tree"
CONTROL: Final = "this tree again"


def measure(effort: Effort, against: str | None) -> list[Figure]:
    """Measure this tree and the revision `against`, a folder or a commit.

    Raises:
        UnavailableError: `against` is None, or cannot be imported.
    """
    if against is None:
        raise UnavailableError("--against names no folder or commit to compare with")
    comparisons = []
    with TemporaryDirectory() as checkout, TemporaryDirectory() as copies:
        sources = {OURS: ROOT, CONTROL: ROOT, against: check_out(against, Path(checkout))}
        for first in range(0, effort.rounds, ROUNDS):
            modules = {
                name: load(source, Path(copies), f"revision_{first}_{number}")
                for number, (name, source) in enumerate(sources.items())
            }
            rounds = min(ROUNDS, effort.rounds - first)
            comparisons.append(_compare(replace(effort, rounds=rounds), modules))
    first_rounds, *others = comparisons
    return first_rounds.extend(others).figures(_rows(against))


def _compare(effort: Effort, modules: dict[str, ModuleType]) -> Comparison:
    """Measure each form of each module in turn."""
    candidates = [noop_pair.candidate()]
    with ExitStack() as stack:
        for form, body in FORMS.items():
            for name, module in modules.items():
                candidates.append(_candidate(stack, module, f"{form}, {name}", body))
        return Comparison(effort, candidates).run()


def _candidate(stack: ExitStack, module: ModuleType, name: str, body: str) -> Candidate:
    breaker = BreakerUnderTest(module.Breaker(), state=module.State.CLOSED)
    stack.enter_context(breaker)
    return breaker.candidate(name, body, g=breaker.breaker(nothing))


def _rows(against: str) -> list[Row]:
    rows = [replace(noop_pair.ROW, part=NAME)]
    for form in FORMS:
        ours, control, other = (f"{form}, {name}" for name in (OURS, CONTROL, against))
        reach = REVISION_REACHES.get(form, "")
        rows += [
            Row(ours, ours, NOOP, REACHES.get(form, ""), part=NAME),
            Row(other, other, NOOP, part=NAME),
            Row(f"{form} against {against}", ours, other, reach, label=against, part=NAME),
            Row(
                f"{form}, the control",
                control,
                ours,
                note="the same code, imported twice: what differs from 1 is noise",
                label=OURS,
                part=NAME,
            ),
        ]
    return rows
