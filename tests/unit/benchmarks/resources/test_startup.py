from __future__ import annotations

from benchmarks.harness.figures import Effort
from benchmarks.resources import startup


def test_every_start_is_timed() -> None:
    figures = startup.measure(Effort(rounds=1, calls=1, seconds=0.1))
    named = {figure.name: figure for figure in figures}
    assert len(named) == len(figures)
    assert {startup.IMPORT, startup.FIRST, startup.HELP, startup.SERVE} <= named.keys()
    assert {f"import {name}" for name in startup.DEPENDENCIES} <= named.keys()
    for figure in figures:
        assert figure.value is not None
        assert figure.value > 0
    assert named[startup.IMPORT].reach


def test_what_import_breakerd_does_not_load_says_so() -> None:
    found = startup._figure("import watchdog", [0.1], ["pydantic", "pydantic.main"])
    assert "import breakerd does not load it" in found.note
    assert "does not load" not in startup._figure("import pydantic", [0.1], ["pydantic"]).note
