"""The wall clock is set, or the process is suspended: no stage early, lost or twice."""

from __future__ import annotations

import signal

import pytest

from tests.faults.conftest import Place
from tests.support.told import told


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_is_set_moves_no_stage(place: Place, hours: int) -> None:
    place.write(escalated_after=3)
    process = place.start()
    process.tell("open a")
    place.wait_for("a", "created P3")
    process.tell(f"clock {hours * 3600}")
    process.tell("open b")
    place.wait_for("b", "created P3")
    assert "priority P1" not in place.history("a"), "not early"
    place.wait_for("a", "priority P1")
    place.wait_for("b", "priority P1")
    check(place)
    for name in ("a", "b"):
        process.tell(f"reset {name}")
        place.wait_for(name, "closed")
    check(place)


@pytest.mark.parametrize("hours", [-1, 1])
def test_nor_does_one_that_is_set_while_the_process_is_down(place: Place, hours: int) -> None:
    place.write(escalated_after=6)
    process = place.start()
    process.tell("open a")
    place.wait_for("a", "created P3")
    process.stop(signal.SIGKILL)
    process = place.start("a", CLOCK_OFFSET=str(hours * 3600))
    process.tell("open b")
    place.wait_for("b", "created P3")
    assert "priority P1" not in place.history("a"), "not early"
    place.wait_for("a", "priority P1")
    for name in ("a", "b"):
        process.tell(f"reset {name}")
        place.wait_for(name, "closed")


def test_who_was_suspended_goes_on_where_it_was(place: Place) -> None:
    place.write(escalated_after=2)
    process = place.start()
    process.tell("open a")
    place.wait_for("a", "created P3")
    process.send(signal.SIGSTOP)
    # Nothing is heard of it while it is stopped, however long that is.
    assert not place.emulator.wait_for(lambda: "priority P1" in place.history("a"), timeout=4)
    process.send(signal.SIGCONT)
    place.wait_for("a", "priority P1")
    process.tell("reset a")
    place.wait_for("a", "closed")
    check(place)


def check(place: Place) -> None:
    for alert in place.emulator.alerts():
        steps = [what for what in told(alert) if what not in {"note", "closed"}]
        assert steps == ["created P3", "priority P1"]
        created, raised = (
            next(each.at for each in alert.history if each.what == what) for what in steps
        )
        assert raised - created > 1, "as long after as the stage says, or a little less"
