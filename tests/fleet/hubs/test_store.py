"""Promises of every hub's store, one a test."""

from __future__ import annotations

import pytest

from breakerd.breaker.fleet.hub.store import (
    AUDIT,
    MAX_VALUE,
    OBSERVATIONS,
    SETTINGS,
    SILENCES,
    TOPICS,
    Entry,
    Fence,
    WriteRefusedError,
)
from tests.support.fleet_hubs import DrivenTime, HubUnderTest
from tests.support.fleet_reports import MadeMember

SENDER = "sender"


def keys(tested: HubUnderTest, topic: str = SETTINGS) -> list[str]:
    return [each.key for each in tested.hub.store.changes(topic).entries]


def test_what_is_written_is_read_again(tested: HubUnderTest, time: DrivenTime) -> None:
    store = tested.hub.store
    value = '{"a": "ä »\n\t\\"x\\"", "n": 1e-7}\0'
    entry = store.write(SETTINGS, "payments.latency_threshold ä", value)
    assert entry == Entry("payments.latency_threshold ä", 1, entry.at, value)
    assert entry.at == pytest.approx(time.now)
    changes = store.changes(SETTINGS)
    assert changes.entries == (entry,)
    assert (changes.version, changes.now) == (1, pytest.approx(time.now))
    assert store.changes(SILENCES).entries == ()
    assert store.changes(SILENCES).version == 0


def test_a_reader_gets_what_is_new(tested: HubUnderTest) -> None:
    store = tested.hub.store
    first = store.write(SETTINGS, "a", "1")
    second = store.write(SETTINGS, "b", "2")
    again = store.write(SETTINGS, "a", "3")
    assert first.version < second.version < again.version
    epoch = store.changes(SETTINGS).epoch
    assert store.changes(SETTINGS, epoch, first.version).entries == (second, again)
    assert store.changes(SETTINGS, epoch, again.version).entries == ()
    assert store.changes(SETTINGS, "another", again.version).entries == (second, again)


def test_a_view_tells_which_topics_have_news(tested: HubUnderTest) -> None:
    store, member = tested.hub.store, MadeMember("a")
    assert tested.hub.exchange(member.report()).topics == ()
    store.write(SETTINGS, "a", "1")
    store.write(SETTINGS, "a", "2")
    store.write(AUDIT, "a", "1")
    view = tested.hub.exchange(member.report())
    assert view.topics == ((AUDIT, 1), (SETTINGS, 2))
    assert view.epoch == store.changes(SETTINGS).epoch


def test_a_writer_replaces_only_what_it_has_read(tested: HubUnderTest) -> None:
    store = tested.hub.store
    first = store.write(SETTINGS, "a", "1", expected=0)
    second = store.write(SETTINGS, "a", "2", expected=first.version)
    with pytest.raises(WriteRefusedError, match="changed meanwhile") as refused:
        store.write(SETTINGS, "a", "3", expected=first.version)
    assert refused.value.entry == second
    with pytest.raises(WriteRefusedError) as refused:
        store.write(SETTINGS, "b", "1", expected=7)
    assert refused.value.entry is None
    assert store.changes(SETTINGS).entries == (second,)


def test_a_removed_entry_is_told_and_may_be_made_again(tested: HubUnderTest) -> None:
    store = tested.hub.store
    store.write(SETTINGS, "a", "1")
    removed = store.write(SETTINGS, "a", "")
    assert store.changes(SETTINGS).entries == (removed,)
    made = store.write(SETTINGS, "a", "2", expected=0)
    assert store.changes(SETTINGS).entries == (made,)


def test_what_was_written_first_is_dropped_first(
    tested: HubUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tested.hub.store
    monkeypatch.setitem(TOPICS, SETTINGS, TOPICS[SETTINGS]._replace(entries=3))
    for key in ("a", "b", "c", "a", "d"):
        store.write(SETTINGS, key, key)
    assert keys(tested) == ["c", "a", "d"]
    store.write(SETTINGS, "c", "again")
    assert keys(tested) == ["a", "d", "c"]


def test_what_is_too_old_is_dropped(tested: HubUnderTest, time: DrivenTime) -> None:
    store, age = tested.hub.store, TOPICS[OBSERVATIONS].age
    store.write(OBSERVATIONS, "a", "1")
    time.now += age - 1
    store.write(OBSERVATIONS, "b", "1")
    assert keys(tested, OBSERVATIONS) == ["a", "b"]
    time.now += 2
    assert keys(tested, OBSERVATIONS) == ["b"]
    assert store.write(OBSERVATIONS, "a", "2", expected=0).version == 3
    assert keys(tested, OBSERVATIONS) == ["b", "a"]
    time.now += age + 1
    assert keys(tested, OBSERVATIONS) == []
    assert store.changes(OBSERVATIONS).version == 3


def test_a_lease_has_one_holder(tested: HubUnderTest, time: DrivenTime) -> None:
    store = tested.hub.store
    first = store.take_lease(SENDER, "a", 10.0)
    assert (first.holder, first.left) == ("a", 10.0)
    time.now += 4
    other = store.take_lease(SENDER, "b", 10.0)
    assert (other.holder, other.term, other.left) == ("a", first.term, pytest.approx(6.0))
    assert store.take_lease(SENDER, "a", 10.0).term == first.term
    time.now += 9
    assert store.take_lease(SENDER, "b", 10.0).holder == "a"
    time.now += 2
    taken = store.take_lease(SENDER, "b", 10.0)
    assert taken.holder == "b"
    assert taken.term > first.term
    assert store.take_lease("another", "a", 10.0).holder == "a"


def test_a_lease_that_is_given_back_is_free(tested: HubUnderTest) -> None:
    store = tested.hub.store
    first = store.take_lease(SENDER, "a", 10.0)
    store.end_lease(SENDER, "b")
    assert store.take_lease(SENDER, "b", 10.0).holder == "a"
    store.end_lease(SENDER, "a")
    taken = store.take_lease(SENDER, "b", 10.0)
    assert (taken.holder, taken.term > first.term) == ("b", True)


def test_a_fence_keeps_out_who_has_lost_the_lease(tested: HubUnderTest) -> None:
    store = tested.hub.store
    first = Fence(SENDER, store.take_lease(SENDER, "a", 10.0).term)
    entry = store.write(SETTINGS, "a", "1", fence=first)
    store.end_lease(SENDER, "a")
    second = Fence(SENDER, store.take_lease(SENDER, "b", 10.0).term)
    with pytest.raises(WriteRefusedError, match="holds the lease") as refused:
        store.write(SETTINGS, "a", "2", fence=first)
    assert refused.value.entry == entry
    assert store.write(SETTINGS, "a", "2", fence=second).value == "2"
    with pytest.raises(WriteRefusedError):
        store.write(SETTINGS, "a", "3", fence=Fence("another", 1))


def test_after_a_wipe_all_begins_anew_and_terms_go_on(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    store = tested.hub.store
    store.write(SETTINGS, "a", "1")
    before, lease = store.changes(SETTINGS), store.take_lease(SENDER, "a", 10.0)
    time.now += 2
    tested.wipe()
    store = tested.hub.store
    after = store.changes(SETTINGS, before.epoch, before.version)
    assert after.epoch > before.epoch
    assert (after.version, after.entries) == (0, ())
    assert store.take_lease(SENDER, "b", 10.0).term > lease.term


def test_a_store_may_go_back_in_time(tested: HubUnderTest, time: DrivenTime) -> None:
    store = tested.hub.store
    kept = store.write(SETTINGS, "a", "1")
    restore = tested.keep()
    store.write(SETTINGS, "b", "2")
    time.now += 2
    restore()
    store = tested.hub.store
    assert store.changes(SETTINGS).entries == (kept,)
    assert store.write(SETTINGS, "b", "3", expected=0).version == 2


def test_what_cannot_be_stored_is_refused(tested: HubUnderTest) -> None:
    store = tested.hub.store
    with pytest.raises(ValueError, match="found topic 'news'; allowed: settings"):
        store.write("news", "a", "1")
    with pytest.raises(ValueError, match="found topic 'news'"):
        store.changes("news")
    with pytest.raises(ValueError, match="1048577 bytes; at most 1048576"):
        store.write(SETTINGS, "a", "x" * (MAX_VALUE + 1))
    store.write(SETTINGS, "a", "x" * MAX_VALUE)
    assert len(store.changes(SETTINGS).entries[0].value) == MAX_VALUE
