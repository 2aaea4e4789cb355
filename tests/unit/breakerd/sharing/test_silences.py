"""Silences of two hosts: each has alerting with a database of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from breakerd import Alerting
from breakerd.alerts.settings.alerting import read_settings
from breakerd.breaker.config import parse_document
from breakerd.breaker.fleet.hub.store import SILENCES
from breakerd.breaker.fleet.runtime.topics import NotReadyError
from breakerd.sharing.silences import SharedSilences
from tests.support.fleet_members import BreakableHub, Member
from tests.support.polling import until

HOUR = 3600.0


class Host:
    """A host: alerting on a clock of its own, and its membership of the fleet."""

    def __init__(self, hub: BreakableHub, folder: Path, name: str, ahead: float = 0.0) -> None:
        self.member = Member(hub, folder, name)
        self.member.runtime._wanted = self.member.settings.model_copy(
            update={"hub": "redis://h", "name": "shop"}
        )
        text = f"[alerts]\ndatabase = '{folder / name}-alerts.db'\n"
        settings = read_settings(parse_document(folder / "breakers.toml", text))
        self.alerting = Alerting(
            self.member.registry, settings, now=lambda: hub.inner._clock() + ahead
        )
        self.shared = SharedSilences(self.alerting, self.member.fleet)

    def start(self) -> Host:
        self.alerting.start()
        self.member.start()
        return self

    def silence(self, seconds: float = HOUR) -> str:
        return self.alerting.add_silence(
            author="ada", reason="migration", seconds=seconds, breaker="pay*"
        )

    @property
    def silences(self) -> dict[str, str]:
        return {each["id"]: each["author"] for each in self.alerting.silences()}

    def close(self) -> None:
        self.member.close()
        self.alerting.close()


@pytest.fixture
def hub() -> BreakableHub:
    return BreakableHub()


@pytest.fixture
def make(hub: BreakableHub, tmp_path: Path) -> Iterator[Callable[..., Host]]:
    made: list[Host] = []

    def make(name: str, ahead: float = 0.0) -> Host:
        made.append(Host(hub, tmp_path, name, ahead))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_silence_is_that_of_all_hosts_until_one_ends_it(make: Callable[..., Host]) -> None:
    one, other = make("a").start(), make("b").start()
    number = one.silence()
    until(lambda: other.silences == {number: "ada"})
    (theirs,), (ours,) = other.alerting.silences(), one.alerting.silences()
    assert theirs["matchers"] == ours["matchers"] == ["breaker=pay*"]
    assert theirs["reason"] == "migration"
    other.alerting.end_silence(number)
    until(lambda: not one.silences)
    assert not other.silences


def test_clocks_of_hosts_may_differ(make: Callable[..., Host]) -> None:
    one, other = make("a").start(), make("b", ahead=10 * HOUR).start()
    number = one.silence()
    until(lambda: other.silences == {number: "ada"})
    now, (silence,) = other.alerting.known_silences()
    assert silence.ends_at - now == pytest.approx(HOUR, abs=60)


def test_a_later_host_has_them_too(make: Callable[..., Host]) -> None:
    one = make("a").start()
    number = one.silence()
    one.member.meet()
    later = make("b").start()
    until(lambda: later.silences == {number: "ada"})


def test_a_hub_that_has_forgotten_gets_them_again(
    make: Callable[..., Host], hub: BreakableHub
) -> None:
    one, other = make("a").start(), make("b").start()
    number = one.silence()
    until(lambda: other.silences == {number: "ada"})
    hub.inner.wipe()
    until(lambda: [each.key for each in hub.store.changes(SILENCES).entries] == [number])
    other.alerting.end_silence(number)
    until(lambda: not one.silences)


def test_they_wait_for_alerting_to_start(make: Callable[..., Host], hub: BreakableHub) -> None:
    one, other = make("a").start(), make("b")
    number = one.silence()
    until(lambda: hub.store.changes(SILENCES).entries)
    with pytest.raises(NotReadyError):
        other.shared.take(hub.store.changes(SILENCES))
    other.member.start()
    other.member.meet()
    other.alerting.start()
    until(lambda: other.silences == {number: "ada"})


def test_the_processes_of_one_host_need_no_hub_for_them(
    make: Callable[..., Host], hub: BreakableHub
) -> None:
    one = make("a")
    one.member.runtime._wanted = one.member.settings
    one.start().silence()
    one.member.meet()
    one.member.meet()
    assert hub.store.changes(SILENCES).entries == ()


def test_what_is_no_silence_is_left_out(
    make: Callable[..., Host], hub: BreakableHub, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = make("a").start(), make("b").start()
    number = one.silence()
    until(lambda: hub.store.changes(SILENCES).entries)
    real = json.loads(hub.store.changes(SILENCES).entries[0].value)
    for key, value in {
        "1": "{",
        "2": "7",
        "3": json.dumps({**real, "id": "3", "author": 7}),
        "4": json.dumps(real),
        "5": json.dumps({**real, "id": "5", "ends_at": "noon"}),
        "6": json.dumps({**real, "id": "6", "author": "bob"}),
    }.items():
        hub.store.write(SILENCES, key, value)
    until(lambda: other.silences == {number: "ada", "6": "bob"})
    assert caplog.text.count("a silence at the hub is invalid") >= 5


def test_a_silence_that_is_too_long_stays_here(
    make: Callable[..., Host], hub: BreakableHub, caplog: pytest.LogCaptureFixture
) -> None:
    one = make("a").start()
    number = one.alerting.add_silence(author="ada", reason="x" * 1_100_000, seconds=HOUR)
    assert one.silences == {number: "ada"}
    assert "on this host only" in caplog.text
    assert hub.store.changes(SILENCES).entries == ()
