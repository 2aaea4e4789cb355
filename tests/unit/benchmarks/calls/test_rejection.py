from __future__ import annotations

from benchmarks.calls.rejection import PreparedDecisions
from benchmarks.harness.comparison import Comparison
from benchmarks.harness.figures import Effort


def test_there_are_answers_for_each_measurement() -> None:
    # Forty turns: the warm-up's go on to 64.
    effort = Effort(rounds=3, calls=400, seconds=1)
    comparison = Comparison(effort, [PreparedDecisions(effort.calls).candidate("one")]).run()
    assert len(comparison.times["one"]) == 3
