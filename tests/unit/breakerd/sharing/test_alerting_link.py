"""Answers to alerting about a fleet: where a breaker rejects, and who may only be silent."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError, MemberEntry
from breakerd.breaker.fleet.messages import MemberInfo, View
from breakerd.breaker.testing import ManualClock
from breakerd.sharing.alerting_link import AlertingLink

NO_PROCESS = 2**22 + 1
"""Id above the highest that Linux gives."""


class Views:
    """Members as the hub has them."""

    def __init__(self, *members: MemberEntry) -> None:
        self.found: tuple[MemberEntry, ...] | None = members

    def members(self, _scope: str) -> tuple[MemberEntry, ...]:
        if self.found is None:
            raise HubUnavailableError("the network is cut")
        return self.found


def member(
    host: str, state: str, *, zone: str = "", pid: int = NO_PROCESS, silent_for: float = 0.0
) -> MemberEntry:
    info = MemberInfo(f"{host}-{pid}", host=host, zone=zone, pid=pid)
    return MemberEntry(info, silent_for, silent_for > 5, (("payments|abc", state), ("b|x", "open")))


def link(*members: MemberEntry, remote: bool = True, alone: bool = False) -> AlertingLink:
    settings = SimpleNamespace(name="shop", host="web-1", address=SimpleNamespace(remote=remote))
    hub = MemoryHub()
    view = View("e1", 1.0, topics=(("audit", 3),))
    session = SimpleNamespace(alone=alone, view=view, hub=hub)
    runtime: Any = SimpleNamespace(settings=settings, session=session)
    views: Any = Views(*members)
    made = AlertingLink(runtime, views, ManualClock())
    made.look()
    return made


def test_processes_hosts_and_zones_are_counted() -> None:
    found = link(
        member("web-1", "open", zone="a"),
        member("web-2", "half_open", zone="a"),
        member("web-3", "closed", zone="b"),
    ).spread("payments")
    assert found is not None
    assert (found.rejecting, found.processes) == (2, 3)
    assert (found.rejecting_hosts, found.hosts) == (2, 3)
    assert (found.scope, found.where) == ("zone", "zone a")


@pytest.mark.parametrize(
    ("members", "scope", "where"),
    [
        ((member("a", "open", pid=7), member("b", "closed")), "process", "process 7 on a"),
        ((*[member("a", "open")] * 2, member("b", "closed")), "host", "host a"),
        ((member("a", "open"), member("b", "open")), "fleet", ""),
        ((member("a", "closed"), member("b", "closed")), "fleet", ""),
    ],
)
def test_the_only_place_is_named(members: tuple[MemberEntry, ...], scope: str, where: str) -> None:
    found = link(*members).spread("payments")
    assert found is not None
    assert (found.scope, found.where) == (scope, where)


def test_one_that_went_silent_while_it_rejected_may_still_do_so() -> None:
    found = link(
        member("web-2", "open", silent_for=20),
        member("web-2", "closed", silent_for=20),
        member("web-2", "open", silent_for=31),
        member("web-3", "closed"),
    ).spread("payments")
    assert found is not None
    assert (found.processes, found.rejecting, found.lost) == (1, 0, 1)


def test_one_that_was_killed_on_this_host_does_not() -> None:
    dead = member("web-1", "open", silent_for=20)
    stopped = member("web-1", "open", silent_for=20, pid=os.getpid())
    for entry, lost in ((dead, 0), (stopped, 1)):
        found = link(entry, member("web-3", "closed")).spread("payments")
        assert found is not None
        assert found.lost == lost


def test_the_last_answer_counts_for_a_minute() -> None:
    made = link(member("web-1", "open"))
    made._views.found = None  # type: ignore[attr-defined]  # the double's
    made.look()
    assert made.spread("payments") is not None, "the severity of an alert stays"
    made._clock.advance(60)  # type: ignore[attr-defined]  # the double's
    made.look()
    assert made.spread("payments") is None


def test_what_another_fleet_told_does_not_count() -> None:
    made = link(member("web-1", "open"))
    made._views.found = None  # type: ignore[attr-defined]  # the double's
    made._runtime.settings.name = "cart"  # type: ignore[misc]  # the double's
    made.look()
    assert made.spread("payments") is None


def test_the_hub_is_one_of_several_hosts_that_answers() -> None:
    hub = link().hub()
    assert hub is not None
    assert (hub.epoch, hub.versions) == ("e1", {"audit": 3})
    assert link(alone=True).hub() is None
    assert link(remote=False).hub() is None
    assert (link().name, link(remote=False).name, link().host) == ("shop", "", "web-1")


def test_a_hub_in_a_file_only_counts() -> None:
    made = link(member("web-1", "open"), member("web-1", "closed"), remote=False)
    found = made.spread("payments")
    assert found is not None
    assert (found.processes, found.known) == (2, False), "no severity changes by it"
    assert made.spread("search") is None
