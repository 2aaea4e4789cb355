"""The dead man's switch: when a heartbeat is pinged, and what is said of one that cannot be."""

from __future__ import annotations

import pytest

from breakerd.alerts.heartbeat.clients import parse_state
from breakerd.alerts.heartbeat.heartbeat import (
    Heartbeat,
    HeartbeatAction,
    HeartbeatState,
    period_of,
    problem_of,
)
from breakerd.alerts.receivers.base import (
    DeliveryError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)

MINUTE = 60.0


class Client:
    """A heartbeat in a given state."""

    name = "payments"

    def __init__(self) -> None:
        self.state: HeartbeatState | None = HeartbeatState(MINUTE)
        self.look_error: DeliveryError | None = None
        self.ping_error: DeliveryError | None = None
        self.asked: list[str] = []

    def find(self) -> HeartbeatState | None:
        self.asked.append("look")
        if self.look_error:
            raise self.look_error
        return self.state

    def ping(self) -> None:
        self.asked.append("ping")
        if self.ping_error:
            raise self.ping_error

    def close(self) -> None: ...


class Beat:
    """A heartbeat, and rounds a second apart that succeed unless changed."""

    def __init__(self) -> None:
        self.client = Client()
        self.heartbeat = Heartbeat(self.client)
        self.now = 1000.0

    def rounds(self, count: int = 1, *, successful: bool = True) -> list[str]:
        """Requests of a number of rounds."""
        before = len(self.client.asked)
        for _ in range(count):
            self.now += 1
            self.heartbeat.run_due(self.now, self.now if successful else 0.0)
        return self.client.asked[before:]


def test_it_is_looked_for_before_it_is_pinged() -> None:
    beat = Beat()
    assert beat.rounds(2) == ["look", "ping"]
    assert beat.heartbeat.last_success == beat.now
    assert beat.heartbeat.problem == ""


def test_one_round_one_request() -> None:
    assert Beat().rounds(1) == ["look"]


def test_three_pings_fit_into_its_interval() -> None:
    beat = Beat()
    beat.rounds(2)
    assert beat.rounds(60) == ["ping"] * 3


def test_no_round_that_failed_is_followed_by_a_ping() -> None:
    beat = Beat()
    beat.rounds(2)
    assert beat.rounds(300, successful=False) == []
    assert beat.rounds(1) == ["ping"]


def test_a_round_that_succeeded_is_good_for_one_request() -> None:
    heartbeat = Heartbeat(Client())
    heartbeat.execute(HeartbeatAction.LOOK_UP, 10.0)
    assert heartbeat.next_action(500.0, 10.0) is None
    assert heartbeat.next_action(500.0, 10.5) is HeartbeatAction.PING


def test_one_that_does_not_exist_is_told_and_not_pinged() -> None:
    beat = Beat()
    beat.client.state = None
    assert beat.rounds(59) == ["look"]
    assert beat.heartbeat.problem == (
        "there is no heartbeat 'payments': nobody is paged if alerts cannot leave"
    )
    assert beat.heartbeat.last_success == 0.0


def test_one_that_is_made_later_is_found_within_a_minute() -> None:
    beat = Beat()
    beat.client.state = None
    beat.rounds(1)
    beat.client.state = HeartbeatState(MINUTE)
    assert beat.rounds(61) == ["look", "ping"]
    assert beat.heartbeat.problem == ""


def test_one_that_is_disabled_is_told_and_pinged() -> None:
    beat = Beat()
    beat.client.state = HeartbeatState(MINUTE, enabled=False)
    assert beat.rounds(2) == ["look", "ping"]
    assert "disabled" in beat.heartbeat.problem


def test_it_is_looked_for_again_now_and_then() -> None:
    beat = Beat()
    assert beat.rounds(700).count("look") == 2


def test_a_key_that_may_only_ping_does() -> None:
    beat = Beat()
    beat.client.look_error = UnauthorizedError("403: not allowed")
    assert beat.rounds(22) == ["look", "ping", "ping"]
    assert beat.heartbeat.problem == ""


def test_a_key_that_may_not_even_ping_is_told() -> None:
    beat = Beat()
    beat.client.look_error = beat.client.ping_error = UnauthorizedError("401: no such key")
    beat.rounds(60)
    assert beat.heartbeat.problem == "heartbeat payments cannot be pinged: 401: no such key"


def test_pings_that_are_lost_are_told_from_the_third_on() -> None:
    beat = Beat()
    beat.rounds(2)
    beat.client.ping_error = UnavailableError("no answer")
    assert beat.rounds(20) == ["ping"]
    assert beat.rounds(10) == ["ping"]
    assert beat.heartbeat.problem == ""
    beat.rounds(10)
    assert beat.heartbeat.problem == "heartbeat payments cannot be pinged: no answer"
    beat.client.ping_error = None
    beat.rounds(10)
    assert beat.heartbeat.problem == ""
    assert beat.heartbeat.last_success == beat.now


def test_not_one_request_while_a_pause_is_asked_for() -> None:
    beat = Beat()
    beat.client.look_error = RateLimitedError(100.0)
    beat.rounds(1)
    beat.client.look_error = None
    assert beat.rounds(99) == []
    assert beat.rounds(2) == ["look", "ping"]


def test_the_period_is_a_third_of_the_interval_within_limits() -> None:
    assert [period_of(interval) for interval in (15, 60, 150, 86_400)] == [10, 20, 50, 60]


def test_an_interval_that_is_too_short_is_a_problem() -> None:
    assert "15 s" in problem_of("payments", HeartbeatState(15.0), 10.0)
    assert problem_of("payments", HeartbeatState(20.0), 10.0) == ""


def test_one_that_cannot_be_read_is_pinged_all_the_same() -> None:
    beat = Beat()
    beat.client.look_error = UnavailableError("500: no")
    assert beat.rounds(2) == ["look", "ping"]
    assert beat.heartbeat.problem == ""
    beat.client.look_error = None
    assert beat.rounds(61).count("look") == 1, "it is looked for again after a minute"


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (
            {"interval": 10, "intervalUnit": "minutes", "enabled": True, "expired": False},
            HeartbeatState(600.0),
        ),
        ({"interval": 10}, HeartbeatState(600.0)),
        ({"interval": "1", "intervalUnit": "HOUR"}, HeartbeatState(3600.0)),
        ({"interval": 1, "enabled": False}, HeartbeatState(60.0, enabled=False)),
        ({"interval": 1, "enabled": "false"}, HeartbeatState(60.0, enabled=False)),
        (
            {"interval": 1, "intervalUnit": "days", "status": "Unresponsive"},
            HeartbeatState(86_400.0, expired=True),
        ),
    ],
)
def test_a_description_needs_only_its_interval(
    data: dict[str, object], state: HeartbeatState
) -> None:
    assert parse_state(data) == state


@pytest.mark.parametrize(
    "data", [None, [], "x", {}, {"interval": None}, {"interval": 1, "intervalUnit": "moons"}]
)
def test_what_is_no_heartbeat_is_unreadable(data: object) -> None:
    with pytest.raises(UnavailableError):
        parse_state(data)
