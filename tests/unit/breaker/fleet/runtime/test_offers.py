"""Offers: entries whose text depends on what the hub has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd.breaker.fleet.hub.store import SETTINGS, Entry
from breakerd.breaker.fleet.runtime.topics import Topics
from tests.support.fleet_members import BreakableHub, Member
from tests.support.fleet_reports import MadeMember


class Sum:
    """An offer that adds a letter to what is there."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.settles = 0
        self.meddle: Callable[[], object] = lambda: None

    def text(self, present: Entry | None) -> str | None:
        found = present.value if present is not None else ""
        self.meddle()
        return None if self.letter in found else found + self.letter

    def settled(self) -> None:
        self.settles += 1


@pytest.fixture
def topics() -> Topics:
    return Topics()


@pytest.fixture
def exchange(topics: Topics, hub: BreakableHub) -> Callable[[], None]:
    return lambda: topics.exchange(hub.store, hub.inner.exchange(MadeMember("a").report()))


def value(hub: BreakableHub) -> str:
    (entry,) = hub.store.changes(SETTINGS).entries
    return entry.value


def test_an_offer_is_made_of_what_is_there(
    topics: Topics, hub: BreakableHub, exchange: Callable[[], None]
) -> None:
    first, second, again = Sum("a"), Sum("b"), Sum("a")
    for offer in (first, second, again):
        topics.offer(SETTINGS, "x", offer)
        exchange()
        assert offer.settles == 1
    assert value(hub) == "ab"
    assert not topics.waits


def test_an_offer_over_a_removed_entry_begins_anew(
    topics: Topics, hub: BreakableHub, exchange: Callable[[], None]
) -> None:
    hub.store.write(SETTINGS, "x", "b")
    hub.store.write(SETTINGS, "x", "")
    topics.offer(SETTINGS, "x", Sum("a"))
    exchange()
    assert value(hub) == "a"


def test_an_offer_waits_while_others_write_again_and_again(
    topics: Topics, hub: BreakableHub, exchange: Callable[[], None]
) -> None:
    offer = Sum("a")
    topics.offer(SETTINGS, "x", offer)
    offer.meddle = lambda: hub.store.write(SETTINGS, "x", "b")
    exchange()
    assert (value(hub), offer.settles, topics.waits) == ("b", 0, True)
    offer.meddle = lambda: None
    exchange()
    assert (value(hub), offer.settles, topics.waits) == ("ba", 1, False)


def test_the_later_of_two_offers_for_a_key_stays(
    topics: Topics, hub: BreakableHub, exchange: Callable[[], None]
) -> None:
    first, second = Sum("a"), Sum("b")
    topics.offer(SETTINGS, "x", first)
    first.meddle = lambda: topics.offer(SETTINGS, "x", second)
    exchange()
    first.meddle = lambda: None
    assert topics.waits
    exchange()
    assert value(hub) == "ab"
    assert second.settles == 1


def test_what_cannot_be_stored_is_refused_at_once(topics: Topics) -> None:
    with pytest.raises(ValueError, match="found topic 'news'"):
        topics.offer("news", "a", Sum("a"))


def test_without_a_hub_nothing_is_offered(make: Callable[..., Member]) -> None:
    member = make("a")
    member.runtime._wanted = member.settings.model_copy(update={"hub": "none"})
    member.fleet.offer(SETTINGS, "a", Sum("a"))
    assert not member.runtime.topics.waits


def test_what_was_published_just_before_the_end_is_brought(
    make: Callable[..., Member], hub: BreakableHub
) -> None:
    member = make("a", interval=10)
    with member.runtime._lock:
        member.runtime._stopping.set()
        member.fleet.offer(SETTINGS, "x", Sum("a"))
    member.close()
    assert value(hub) == "a"
