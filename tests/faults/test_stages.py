"""The stages are edited while an incident runs: it keeps its own, and the next has the new ones."""

from __future__ import annotations

from tests.faults.conftest import Place

BEFORE = """
[[alerts.stages]]
after = 0
priority = "P4"
[[alerts.stages]]
after = 2
priority = "P2"
"""
AFTER = """
[[alerts.stages]]
after = 0
priority = "P5"
[[alerts.stages]]
after = 1
priority = "P3"
"""


def test_an_incident_keeps_the_stages_that_it_began_with(place: Place) -> None:
    place.write(BEFORE)
    process = place.start()
    process.tell("open a")
    place.wait_for("a", "created P4")
    place.write(AFTER)
    process.wait_for_log("configuration applied")
    process.tell("open b")
    place.wait_for("a", "priority P2")
    place.wait_for("b", "priority P3")
    assert [what for what in place.history("a") if what != "note"] == ["created P4", "priority P2"]
    assert [what for what in place.history("b") if what != "note"] == ["created P5", "priority P3"]
    for name in ("a", "b"):
        process.tell(f"reset {name}")
    for name in ("a", "b"):
        place.wait_for(name, "closed")
