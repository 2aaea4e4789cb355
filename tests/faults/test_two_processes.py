"""Two processes on one file: one sender at a time, and the other takes over when it is gone."""

from __future__ import annotations

import signal
import time

from tests.faults.conftest import Place


def test_the_same_breaker_in_both_is_one_alert(place: Place) -> None:
    first, second = place.start(), place.start()
    for process in (first, second):
        process.tell("open a")
    second.tell("open b")
    place.wait_for("a", "created P3")
    place.wait_for("b", "created P3")
    first.tell("reset a")
    second.tell("reset b")
    place.wait_for("b", "closed")
    assert "closed" not in place.history("a"), "it is still open in the other"
    second.tell("reset a")
    place.wait_for("a", "closed")
    assert "this process sends alerts" not in second.log


def test_who_is_killed_is_taken_over_from(place: Place) -> None:
    place.write(escalated_after=2)
    first, second = place.start(), place.start()
    for process in (first, second):
        process.tell("open a")
    place.wait_for("a", "created P3")
    first.stop(signal.SIGKILL)
    killed_at = time.monotonic()
    second.tell("open b")
    place.wait_for("b", "created P3", timeout=15)
    assert time.monotonic() - killed_at < 15
    place.wait_for("a", "priority P1")
    second.tell("reset a")
    second.tell("reset b")
    place.wait_for("a", "closed")
    place.wait_for("b", "closed")
    assert place.history("a").count("priority P1") == 1


def test_who_hangs_is_taken_over_from_and_does_not_send_when_it_goes_on(place: Place) -> None:
    place.write("request_timeout = 4", escalated_after=1)
    first, second = place.start(), place.start()
    for process in (first, second):
        process.tell("open a")
    place.wait_for("a", "priority P1")
    first.send(signal.SIGSTOP)
    second.tell("open b")
    place.wait_for("b", "created", timeout=15)  # at the stage that is due by then
    first.send(signal.SIGCONT)
    first.tell("open c")
    place.wait_for("c", "created")
    for process in (first, second):
        for name in ("a", "b", "c"):
            process.tell(f"reset {name}")
    for name in ("a", "b", "c"):
        place.wait_for(name, "closed")
    # Stopped in the middle of writing it keeps the file locked, and then nobody can take the lease.
    assert "another process sends" in first.log or "database is locked" in second.log
    assert place.history("a").count("priority P1") == 1
    assert place.history("a").count("closed") == 1


def test_who_stops_in_good_order_is_followed_at_once(place: Place) -> None:
    first, second = place.start(), place.start()
    first.tell("open a")
    place.wait_for("a", "created P3")
    second.tell("open a")
    first.stop()
    second.tell("open b")
    place.wait_for("b", "created P3", timeout=10)
    second.tell("reset a")
    place.wait_for("a", "closed")


def test_without_a_file_each_tells_what_it_sees(place: Place) -> None:
    """Two alerts are better than none."""
    place.folder.joinpath("breakerd.db").mkdir()
    first, second = place.start(), place.start()
    for process in (first, second):
        process.tell("open a")
    found = place.emulator.wait_for(lambda: len(place.alerts("a")) == 2, 30)
    assert found
    assert "incidents are kept in memory only" in first.health()["problems"][0]
    for process in (first, second):
        process.tell("reset a")
    closed = lambda: all(alert.status == "closed" for alert in place.alerts("a"))  # noqa: E731 - a condition
    assert place.emulator.wait_for(closed, 30)
