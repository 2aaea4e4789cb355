from __future__ import annotations

from benchmarks.calls.comparison import Contest
from benchmarks.calls.rejection import Answers
from benchmarks.harness.figures import Effort


def test_there_are_answers_for_each_measurement() -> None:
    # Forty turns: the warm-up's go on to 64.
    effort = Effort(rounds=3, calls=400, seconds=1)
    contest = Contest(effort, [Answers(effort.calls).contestant("one")]).run()
    assert len(contest.times["one"]) == 3
