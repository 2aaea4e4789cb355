"""Work of one round: each breaker is asked for its status once, and nothing is composed in vain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from breakerd import Breaker
from breakerd.alerts.incidents.observation import PeerReport
from tests.unit.alerts.conftest import World


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Calls of `Breaker.status`, by name of the breaker."""
    counts: Counter[str] = Counter()
    status = Breaker.status

    def counting(breaker: Breaker) -> object:
        counts[breaker.name] += 1
        return status(breaker)

    monkeypatch.setattr(Breaker, "status", counting)
    return counts


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of observations in the reports composed for peers."""
    sizes: list[int] = []
    compose = PeerReport.from_source

    def counting(*arguments: object) -> PeerReport:
        report = compose(*arguments)  # type: ignore[arg-type]
        sizes.append(len(report.observations))
        return report

    monkeypatch.setattr(PeerReport, "from_source", counting)
    return sizes


@pytest.fixture
def peer(world: World) -> Iterator[None]:
    """A second process that shares the database."""
    other = World(world.emulator, world.database.parent)
    other.clock, other.wall = world.clock, world.wall
    alerting = other.start()
    yield
    alerting.close()


def rounds(world: World, asked: Counter[str]) -> list[int]:
    """Status calls of each round: opening, peak figures, escalation, recovery, end."""
    found = []
    breaker = world.slow()
    for seconds in (0, 5, 60, 5):
        asked.clear()
        world.after(seconds)
        found.append(asked["default"])
    breaker.reset()
    for seconds in (1, 61):
        asked.clear()
        world.after(seconds)
        found.append(asked["default"])
    return found


def test_a_round_asks_a_breaker_for_its_status_at_most_once(
    world: World, asked: Counter[str]
) -> None:
    world.start(time_before_send_alert=60)
    assert rounds(world, asked) == [1, 1, 1, 1, 1, 0], "calls are counted up to the recovery"
    assert world.history()[-1] == "closed"


@pytest.mark.usefixtures("peer")
def test_nor_more_often_with_a_peer(world: World, asked: Counter[str], composed: list[int]) -> None:
    world.start(time_before_send_alert=60)
    assert max(rounds(world, asked)) == 1
    assert composed


def test_alone_nothing_is_composed_for_peers(world: World, composed: list[int]) -> None:
    world.start()
    world.slow()
    for _ in range(4):
        world.after(5)
    assert composed == []


@pytest.mark.usefixtures("peer")
def test_reports_to_a_peer_are_seconds_apart(world: World, composed: list[int]) -> None:
    world.start()
    world.slow()
    world.after()
    composed.clear()
    for _ in range(10):
        world.after(1)
    assert composed == [1, 1], "one each five seconds"


def test_a_peer_that_comes_later_gets_a_report_at_once(world: World, composed: list[int]) -> None:
    world.start()
    world.slow()
    world.after(5)
    for reports in ([1], [1, 1]):
        other = World(world.emulator, world.database.parent)
        other.clock, other.wall = world.clock, world.wall
        alerting = other.start()
        world.after(1)
        assert composed == reports
        alerting.close()
        world.after(1)
        assert composed == reports, "alone again"
