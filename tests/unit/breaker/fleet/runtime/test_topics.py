from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from breakerd.breaker.fleet.hub.memory_store import MemoryStore
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.store import AUDIT, SETTINGS, Changes, Entry
from breakerd.breaker.fleet.runtime.topics import Topics
from tests.support.fleet_members import BreakableHub, Member
from tests.support.fleet_reports import MadeMember


@dataclass(eq=False)
class Reader:
    """A follower that keeps what it was given."""

    topic: str = SETTINGS
    taken: list[list[str]] = field(default_factory=list)
    fails: bool = False

    def take(self, changes: Changes) -> None:
        self.taken.append([f"{each.key}={each.value}" for each in changes.entries])
        if self.fails:
            raise ValueError("not understood")


class Process:
    """Topics of one process, which exchanges when the test says so."""

    def __init__(self, hub: BreakableHub, name: str) -> None:
        self.topics = Topics()
        self.reader = Reader()
        self.topics.follow(self.reader)
        self._hub = hub
        self._member = MadeMember(name)

    def exchange(self) -> None:
        self.topics.exchange(self._hub.store, self._hub.inner.exchange(self._member.report()))

    @property
    def taken(self) -> list[list[str]]:
        found, self.reader.taken = self.reader.taken, []
        return found


@pytest.fixture
def one(hub: BreakableHub) -> Process:
    return Process(hub, "a")


@pytest.fixture
def other(hub: BreakableHub) -> Process:
    return Process(hub, "b")


def test_what_one_publishes_all_take_once(one: Process, other: Process) -> None:
    other.exchange()
    assert other.taken == [[]]
    one.topics.publish(SETTINGS, "a", "1")
    one.topics.publish(SETTINGS, "b", "2")
    one.exchange()
    other.exchange()
    other.exchange()
    assert other.taken == [["a=1", "b=2"]]
    one.exchange()
    assert [each for each in one.taken if each] == [["a=1", "b=2"]], "its own ones too"


def test_the_later_one_of_a_key_is_written(one: Process, hub: BreakableHub) -> None:
    one.topics.publish(SETTINGS, "a", "1")
    one.topics.publish(SETTINGS, "a", "2")
    one.exchange()
    (entry,) = hub.store.changes(SETTINGS).entries
    assert (entry.value, entry.version) == ("2", 1)


def test_what_is_published_while_the_hub_is_away_is_written_later(
    one: Process, hub: BreakableHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.topics.publish(SETTINGS, "a", "1")
    with monkeypatch.context() as patch:
        patch.setattr(MemoryStore, "write", _refuse)
        one.exchange()
    assert hub.store.changes(SETTINGS).entries == ()
    one.exchange()
    assert [each.key for each in hub.store.changes(SETTINGS).entries] == ["a"]


def test_after_a_wipe_followers_get_all_there_is(
    one: Process, other: Process, hub: BreakableHub
) -> None:
    one.topics.publish(SETTINGS, "a", "1")
    one.exchange()
    other.exchange()
    assert other.taken == [["a=1"]]
    hub.inner.wipe()
    other.exchange()
    assert other.taken == [[]]
    one.topics.publish(SETTINGS, "a", "1")
    one.exchange()
    other.exchange()
    assert other.taken == [["a=1"]]


def test_after_the_hub_went_back_followers_get_all_there_is(
    other: Process, hub: BreakableHub
) -> None:
    store = hub.inner.store
    store.write(SETTINGS, "a", "1")
    before = {name: dict(kept) for name, kept in store._topics.items()}, dict(store._newest)
    store.write(SETTINGS, "b", "2")
    other.exchange()
    store._topics, store._newest = before
    other.exchange()
    assert other.taken == [["a=1", "b=2"], ["a=1"]]


def test_an_error_of_a_follower_is_told_and_stops_nobody(
    other: Process, hub: BreakableHub, caplog: pytest.LogCaptureFixture
) -> None:
    second = Reader()
    other.reader.fails = True
    other.topics.follow(second)
    hub.store.write(SETTINGS, "a", "1")
    other.exchange()
    other.exchange()
    assert second.taken == other.taken == [["a=1"]]
    assert caplog.text.count("changes of a topic were not taken") == 1


def test_no_more_than_a_thousand_wait(one: Process, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(1005):
        one.topics.publish(AUDIT, str(number), "x")
    assert len(one.topics._waiting) == 1000
    assert next(iter(one.topics._waiting)) == (AUDIT, "5")
    assert caplog.text.count("are dropped") == 1
    for _ in range(50):
        one.exchange()
    assert not one.topics._waiting


def test_what_cannot_be_stored_is_refused_at_once(one: Process) -> None:
    with pytest.raises(ValueError, match="found topic 'news'"):
        one.topics.publish("news", "a", "1")


def test_the_processes_of_a_fleet_share_topics(make: Callable[..., Member]) -> None:
    one, other = make("a", interval=10), make("b")
    reader = Reader()
    other.fleet.follow(reader)
    one.fleet.publish(SETTINGS, "a", "1")
    while ["a=1"] not in reader.taken:
        other.meet()


def test_without_a_hub_nothing_waits(make: Callable[..., Member]) -> None:
    member = make("a")
    member.runtime._wanted = member.settings.model_copy(update={"hub": "none"})
    member.fleet.publish(SETTINGS, "a", "1")
    assert not member.runtime.topics._waiting


def test_a_forked_child_takes_all_and_writes_nothing_of_its_parent(one: Process) -> None:
    one.exchange()
    one.topics.publish(SETTINGS, "a", "1")
    child = one.topics.for_child()
    assert not child._waiting
    assert [seen.epoch for seen in child._followers.values()] == [""]


def _refuse(*_: object, **_more: object) -> Entry:
    raise HubUnavailableError("away")
