from __future__ import annotations

import pytest

from benchmarks.calls import revision_comparison
from benchmarks.harness.child import ROOT
from benchmarks.harness.figures import Effort, UnavailableError

EFFORT = Effort(rounds=3, calls=100, seconds=1)


def test_each_form_is_compared_with_the_other_revision_and_with_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(revision_comparison, "ROUNDS", 2)  # imported anew for the third
    figures = revision_comparison.measure(EFFORT, str(ROOT))
    named = {figure.name: figure for figure in figures}
    assert len(named) == len(figures) == 1 + 4 * len(revision_comparison.FORMS)
    for form in revision_comparison.FORMS:
        for name in (f"{form} against {ROOT}", f"{form}, the control"):
            assert named[name].ratio is not None
            assert named[name].details["rounds"] == 3
    assert named[f"allow + done against {ROOT}"].reach == "<= 1.03"


def test_without_a_revision_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(UnavailableError, match="--against"):
        revision_comparison.measure(EFFORT, None)
