from __future__ import annotations

import pytest

from benchmarks import compiled
from benchmarks.figures import Effort


@pytest.mark.needs("gcc")
@pytest.mark.needs("Python.h")
def test_a_compiled_copy_is_measured() -> None:
    figures = compiled.measure(Effort(rounds=1, calls=50, seconds=0.01))
    others = [f"compiled, {name}" for name in compiled.ALSO]
    assert [figure.name for figure in figures] == [row.name for row in compiled.ROWS] + others
    assert all(figure.part == "compiled" and figure.ratio for figure in figures)


def test_what_is_not_compiled_is_not_measured_as_such() -> None:
    with pytest.raises(SystemExit, match="not compiled"):
        compiled.measure_as_compiled(["1", "50"])
