"""An answer of the hub is shared by all who look within a second."""

from __future__ import annotations

import threading

import pytest

from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.views.shared_reading import NOT_READABLE, SharedReadings


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Hub:
    """A hub that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    def ask(self) -> int:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.asked


def test_it_is_asked_once_a_second_for_each_question() -> None:
    time, hub = Time(), Hub()
    readings = SharedReadings(time)
    assert [readings.get("a", hub.ask) for _ in range(3)] == [1, 1, 1]
    assert readings.get("b", hub.ask) == 2
    time.now = 0.99
    assert readings.get("a", hub.ask) == 1
    time.now = 1.0
    assert readings.get("a", hub.ask) == 3


def test_nothing_old_is_kept() -> None:
    time, hub = Time(), Hub()
    readings = SharedReadings(time)
    for number in range(50):
        time.now += 0.5
        readings.get(number, hub.ask)
    assert len(readings._known) <= 3


def test_it_may_be_forgotten() -> None:
    readings, hub = SharedReadings(Time()), Hub()
    readings.get("a", hub.ask)
    readings.forget()
    assert readings.get("a", hub.ask) == 2
    readings.after_fork()
    assert readings.get("a", hub.ask) == 3


def test_a_failure_is_an_answer_too(caplog: pytest.LogCaptureFixture) -> None:
    time, hub = Time(), Hub()
    readings = SharedReadings(time)
    for error, told in ((HubUnavailableError("away"), "away"), (TypeError("x"), NOT_READABLE)):
        hub.asked, hub.error = 0, error
        for _ in range(2):
            with pytest.raises(HubUnavailableError, match=told):
                readings.get("a", hub.ask)
        assert hub.asked == 1
        time.now += 1
    assert "hub's data cannot be read" in caplog.text


def test_who_waits_for_another_gets_its_answer() -> None:
    readings, hub = SharedReadings(Time()), Hub()
    begun, go = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        go.wait(60)
        return hub.ask()

    found: list[int] = []
    first = threading.Thread(target=lambda: found.append(readings.get("a", slow)))
    first.start()
    assert begun.wait(60)
    with pytest.raises(HubUnavailableError, match="another request"):
        readings.get("a", hub.ask)
    second = threading.Thread(target=lambda: found.append(readings.get("a", hub.ask)))
    second.start()
    go.set()
    first.join()
    second.join()
    assert found == [1, 1]


def test_what_changes_quickly_is_asked_each_time() -> None:
    readings, hub = SharedReadings(Time()), Hub()
    assert [readings.get("a", hub.ask, 0.0) for _ in range(3)] == [1, 2, 3]
    assert readings.get("a", hub.ask) == 3, "which others may have"


def test_what_was_asked_before_a_change_is_good_for_nobody_else() -> None:
    readings, hub = SharedReadings(Time()), Hub()

    def ask() -> int:
        readings.forget()  # somebody has commanded the fleet meanwhile
        return hub.ask()

    assert readings.get("a", ask) == 1
    assert readings.get("a", hub.ask) == 2
