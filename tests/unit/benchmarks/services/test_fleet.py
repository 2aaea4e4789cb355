from __future__ import annotations

import shutil

import pytest

from benchmarks.harness.figures import Effort, UnavailableError, judge
from benchmarks.services import fleet


@pytest.mark.needs("redis-server")
def test_each_process_is_measured_with_its_hub_as_it_should_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [fleet.ALONE, fleet.IN_FILE, fleet.CALM, fleet.REFUSED]
    for kinds in ("COST", "TAIL"):
        some = {name: kind for name, kind in getattr(fleet, kinds).items() if name in names}
        monkeypatch.setattr(fleet, kinds, some)
    figures = fleet.measure(Effort(rounds=1, calls=100, seconds=0.1))
    assert [figure.name for figure in figures] == names
    for figure in figures:
        assert figure.value is not None
        assert figure.value > 0
        assert (figure.ratio is None) == (figure.name in (fleet.ALONE, fleet.CALM))
        assert (judge(figure).met is None) == (figure.name not in fleet.REACHES)


def test_without_a_server_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UnavailableError, match="redis-server"):
        fleet.measure(Effort(rounds=1, calls=1, seconds=0.1))
