"""Answers to a change, and the end of drift by a new file on all hosts; on real threads."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd.breaker.fleet.asked_change import asked_by
from breakerd.breaker.fleet.hub.protocol import MemberEntry
from tests.support.fleet_members import BreakableHub
from tests.support.hosts_with_files import Host, revisions
from tests.support.polling import until

Make = Callable[..., Host]


def test_the_answer_of_a_change_counts_the_processes(make: Make) -> None:
    one, other = make("a").start(), make("b").start()
    one.member.called(), other.member.called()
    with asked_by("ada") as asked:
        one.change(latency_threshold=500)
    until(lambda: str(one.follower.published(asked, 2.0)).endswith("applied 2, waiting 0"))
    assert other.file == one.file
    with asked_by("ada") as asked:
        one.config.change({("alerts",): {"resolve_after": 5, "database": "x.db"}})
    until(
        lambda: (
            str(one.follower.published(asked, 2.0))
            == "published to the fleet; on this host only: alerts.database"
        )
    )


def test_the_answer_says_that_the_hub_is_away(make: Make, hub: BreakableHub) -> None:
    one = make("a").start()
    hub.away = True
    with asked_by("ada") as asked:
        one.change(latency_threshold=500)
    until(
        lambda: (
            str(one.follower.published(asked, 0.0))
            == "the hub is away: the other hosts get it when it is back"
        )
    )
    with asked_by("ada") as asked:
        one.config.change({("alerts", "database"): "x.db"})
    assert str(one.follower.published(asked, 2.0)) == "on this host only: alerts.database"


def test_a_new_file_on_all_hosts_ends_the_drift(
    make: Make, hub: BreakableHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from breakerd.breaker.fleet.revisions import settings_follower

    monkeypatch.setattr(settings_follower, "_FIRST_CHECK", 0.05)
    one, other = make("a").start(), make("b").start()
    one.member.called(), other.member.called()
    one.change(latency_threshold=500)
    until(lambda: other.file == one.file)
    checks: list[int] = []
    members = one.member.fleet.members

    def counted() -> tuple[MemberEntry, ...]:
        found = members()
        checks.append(len(found))
        return found

    monkeypatch.setattr(one.member.fleet, "members", counted)
    one.edit("500", "300")
    until(lambda: len(checks) > 2)
    assert one.drift
    assert revisions(hub)["breakers.payments.latency_threshold"].value
    other.edit("500", "300")
    until(lambda: not revisions(hub)["breakers.payments.latency_threshold"].value)
    until(lambda: not one.drift and not other.drift)
    until(lambda: not one.kept.read("shop"))
