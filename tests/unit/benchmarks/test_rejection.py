from __future__ import annotations

from benchmarks.calls.contest import measured
from benchmarks.calls.rejection import Answers


def test_there_are_answers_for_each_measurement() -> None:
    one = Answers(30).contestant("one")
    for _ in range(3):
        measured(one, 3)  # would find none to take
