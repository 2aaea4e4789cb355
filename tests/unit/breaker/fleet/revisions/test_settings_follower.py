"""Two hosts with a file each: what is changed on one is taken by the other, or is drift there."""

from __future__ import annotations

from collections.abc import Callable

from breakerd.breaker.fleet.asked_change import asked_by
from breakerd.breaker.fleet.drift import EDITED
from breakerd.breaker.fleet.revisions.revision import Revision
from tests.support.fleet_members import BreakableHub
from tests.support.hosts_with_files import TEXT, Host, revisions, write_revision

Make = Callable[..., Host]


def test_a_change_is_taken_by_the_other_hosts_file(one: Host, other: Host) -> None:
    one.change(latency_threshold=500)
    one.meet()
    other.meet()
    assert other.path.read_text() == TEXT.replace("800", "500")
    assert other.settings()["latency_threshold"] == 500
    assert not one.drift
    assert not other.drift


def test_a_removed_key_is_removed_there_too(one: Host, other: Host) -> None:
    one.change(latency_threshold=None)
    one.meet()
    other.meet()
    assert other.file == one.file == {"wait_time": 10, "breakers": {"payments": {}}}


def test_what_a_revision_writes_is_no_edit(one: Host, other: Host, hub: BreakableHub) -> None:
    one.change(latency_threshold=500)
    one.meet()
    entries = revisions(hub)
    other.meet(3)
    one.meet(3)
    assert revisions(hub) == entries


def test_values_of_the_root_and_new_breakers_are_shared(one: Host, other: Host) -> None:
    one.change("default", wait_time=20)
    one.config.change({("breakers", "a.b"): {"latency_threshold": 5, "recovery": {"probes": 7}}})
    one.meet()
    other.meet()
    assert other.file == one.file
    assert other.settings("a.b")["recovery"]["probes"] == 7


def test_settings_that_only_go_together_are_taken_together(one: Host, other: Host) -> None:
    one.change(slo={"success_rate": 0.95, "timeout": 2.0})
    one.meet()
    other.meet()
    assert other.file["breakers"]["payments"]["slo"] == {"success_rate": 0.95, "timeout": 2.0}
    other.change(slo=None)
    other.meet()
    one.meet()
    assert "slo" not in one.file["breakers"]["payments"]
    assert not one.drift


def test_many_settings_that_arrive_in_parts_wait_for_each_other(one: Host, other: Host) -> None:
    one.change(
        slo={"success_rate": 0.95, "timeout": 2.0},
        **{f"limiter__{name}": value for name, value in (("min_limit", 3), ("max_limit", 90))},
    )
    waiting = one.member.runtime.topics._waiting
    held = {place: waiting.pop(place) for place in list(waiting) if place[1].endswith("timeout")}
    one.meet()
    other.meet(2)
    assert other.file["breakers"]["payments"] == {"latency_threshold": 800}
    waiting.update(held)
    one.meet()
    other.meet()
    assert other.file == one.file


def test_a_file_with_a_value_of_its_own_keeps_it(one: Host, make: Make) -> None:
    other = make("b", TEXT.replace("800", "300")).meet()
    with asked_by("ada"):
        one.change(latency_threshold=500)
    one.meet()
    other.meet()
    assert other.file["breakers"]["payments"]["latency_threshold"] == 300
    (drift,) = other.drift
    assert (drift.key, drift.own, drift.fleet, drift.by, drift.reason) == (
        *("breakers.payments.latency_threshold", 300, 500, "ada"),
        EDITED,
    )
    assert drift.since >= drift.at > 0


def test_a_hand_edit_is_drift_and_is_left_alone_by_new_processes(
    one: Host, other: Host, make: Make
) -> None:
    one.change(latency_threshold=500)
    one.meet()
    other.meet()
    other.edit("500", "800")  # as it was before, which a revision would replace
    other.meet(2)
    later = make("b-2", file="b").meet(2)
    for each in (other, later):
        assert each.file["breakers"]["payments"]["latency_threshold"] == 800
        assert [drift.own for drift in each.drift] == [800]
    assert not one.drift
    other.edit("800", "500")
    assert not other.drift


def test_a_host_that_was_off_takes_a_whole_chain(one: Host, make: Make) -> None:
    for value in range(100, 130):
        one.change(latency_threshold=value)
        one.meet()
    latest = make("b").meet()
    assert latest.file == one.file
    amid = make("c", TEXT.replace("800", "127")).meet()
    assert amid.file == one.file


def test_a_host_that_lags_behind_many_changes_follows(one: Host, other: Host) -> None:
    for value in range(100, 130):
        one.change(latency_threshold=value)
        one.meet()
        if value in {101, 117}:
            other.meet()
    other.meet()
    assert other.file == one.file


def test_two_processes_of_a_host_write_their_file_once(one: Host, make: Make) -> None:
    first, second = make("b").meet(), make("b-2", file="b").meet()
    told: list[str] = []
    first.follower.on_taken = lambda taken: told.extend(each.by for each, _ in taken)
    second.follower.on_taken = first.follower.on_taken
    with asked_by("ada"):
        one.change(latency_threshold=500)
    one.meet()
    first.meet()
    written_at = first.path.stat().st_mtime_ns
    second.meet()
    assert second.settings()["latency_threshold"] == 500
    assert first.path.stat().st_mtime_ns == written_at
    assert told == ["ada"]
    assert not second.drift


def test_with_one_file_for_all_there_is_nothing_to_do(one: Host, hub: BreakableHub) -> None:
    one.member.runtime._wanted = one.member.settings
    with asked_by("ada") as asked:
        one.change(latency_threshold=500)
    one.meet()
    assert not revisions(hub)
    assert one.follower.published(asked, 2.0) is None
    write_revision(hub, "wait_time", Revision(("wait_time",), 20, (10,), "", 1.0, "1"))
    one.meet(2)
    assert one.file["wait_time"] == 10
    assert not one.drift
