"""Settings that a host does not take, or cannot write into its file."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from breakerd.breaker.errors import ConfigWriteError
from breakerd.breaker.fleet.asked_change import asked_by
from breakerd.breaker.fleet.drift import EDITED
from breakerd.breaker.fleet.hub.store import SETTINGS, Entry
from breakerd.breaker.fleet.revisions import file_writer
from breakerd.breaker.fleet.revisions.offers import EndOffer
from breakerd.breaker.fleet.revisions.revision import Revision, dotted, encode
from tests.support.fleet_members import LIMIT, BreakableHub
from tests.support.hosts_with_files import TEXT, Host, revisions, write_revision

Make = Callable[..., Host]


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"key": 1}', "9" * 5000])
def test_what_is_no_revision_is_ignored_and_logged(
    one: Host, hub: BreakableHub, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    hub.inner.store.write(SETTINGS, "wait_time", "x")
    hub.inner.store.write(SETTINGS, "wait_time", text)
    one.meet(2)
    assert one.path.read_text() == TEXT
    assert ("a revision at the hub is invalid" in caplog.text) is bool(text)


@pytest.mark.parametrize(
    "key",
    [
        ("api", "tokens"),
        ("fleet", "hub"),
        ("opsgenie", "api_key"),
        ("alerts", "receivers", "webhook", "x", "url"),
        ("alerts", "database"),
        ("breakers", 'a"b', "wait_time"),
        ("breakers", "payments"),
    ],
)
def test_what_hosts_never_share_is_not_taken(
    one: Host, hub: BreakableHub, caplog: pytest.LogCaptureFixture, key: tuple[str, ...]
) -> None:
    write_revision(hub, dotted(key), Revision(key, "x", (None,), "", 1.0, "1"))
    one.meet(2)
    assert one.path.read_text() == TEXT
    assert not one.drift
    assert "a revision of a setting that is each host's own" in caplog.text


def test_what_this_version_does_not_have_is_kept_out_and_shown(
    one: Host, hub: BreakableHub
) -> None:
    for key in (("brand_new",), ("alerts", "brand_new"), ("breakers", "payments", "new", "key")):
        write_revision(hub, ".".join(key), Revision(key, 1, (None,), "ada", 1.0, key[-1]))
    one.meet(5)
    assert one.path.read_text() == TEXT
    assert [(each.key, each.reason) for each in one.drift] == [
        ("alerts.brand_new", "this version does not have that setting"),
        ("brand_new", "this version does not have that setting"),
        ("breakers.payments.new.key", "this version does not have that setting"),
    ]


def test_an_invalid_value_is_kept_out_logged_once_and_shown(
    one: Host, hub: BreakableHub, caplog: pytest.LogCaptureFixture
) -> None:
    write_revision(hub, "wait_time", Revision(("wait_time",), "soon", (10,), "ada", 1.0, "1"))
    valid = Revision(("percentile",), 0.9, (None,), "ada", 1.0, "2")
    write_revision(hub, "percentile", valid)
    one.meet(8)
    assert one.file == {"wait_time": 10, "percentile": 0.9, **one.file}
    (drift,) = one.drift
    assert (drift.key, drift.fleet) == ("wait_time", "soon")
    assert "wait_time" in drift.reason
    write_revision(hub, "percentile", valid._replace(value=0.8, replaced=(0.9,), id="3"))
    one.meet(8)
    assert one.file["percentile"] == 0.8
    assert caplog.text.count("settings of the fleet are kept out") == 1
    one.edit("wait_time = 10", "wait_time = 12")
    (drift,) = one.drift
    assert drift.reason == EDITED


def test_a_file_that_may_not_be_written_has_it_in_memory(
    one: Host, other: Host, caplog: pytest.LogCaptureFixture
) -> None:
    other.path.chmod(0o444)
    one.change(latency_threshold=500)
    one.meet()
    other.meet(3)
    assert other.settings()["latency_threshold"] == 500
    assert other.path.read_text() == TEXT
    assert not other.drift
    assert caplog.text.count("settings of the fleet are in memory only") == 1
    # The file is replaced by one with another key, as a ConfigMap is.
    other.path.chmod(0o644)
    other.edit("wait_time = 10", "wait_time = 12")
    other.path.chmod(0o444)
    assert other.settings()["latency_threshold"] == 800
    other.meet()
    assert other.settings()["latency_threshold"] == 500


def test_a_change_on_a_host_with_such_a_file_is_shared_all_the_same(one: Host, other: Host) -> None:
    one.path.chmod(0o444)
    with pytest.raises(ConfigWriteError):
        one.change(latency_threshold=500)
    one.meet()
    other.meet()
    assert other.file["breakers"]["payments"]["latency_threshold"] == 500


def test_an_older_spelling_of_the_root_stays(one: Host, make: Make) -> None:
    other = make("b", "[circuit_breaker]\nwait_time = 10 # s\n").meet()
    one.change("default", wait_time=20)
    one.meet()
    other.meet()
    assert other.path.read_text() == "[circuit_breaker]\nwait_time = 20 # s\n"
    other.change("default", wait_time=30)
    other.meet()
    one.meet()
    assert one.file["wait_time"] == 30


def test_a_file_that_somebody_saves_is_written_later(one: Host, other: Host) -> None:
    one.change(latency_threshold=500)
    one.meet()
    with other.path.open("r+"):
        other.meet(2)
        assert other.path.read_text() == TEXT
    other.meet()
    assert other.file == one.file


def test_a_file_that_another_thread_holds_is_written_later(
    one: Host, other: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_writer, "_LOCK_TIME", 0.01)
    one.change(latency_threshold=500)
    one.meet()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with other.config.lock:
            held.set()
            done.wait(LIMIT)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(LIMIT)
    other.meet()
    done.set()
    thread.join()
    assert other.path.read_text() == TEXT
    other.meet(2)
    assert other.file == one.file


def test_what_another_process_has_written_meanwhile_is_left(one: Host, make: Make) -> None:
    first, second = make("b").meet(), make("b-2", file="b").meet()
    second.config.refresh = lambda: 0.0  # type: ignore[method-assign]
    one.change(latency_threshold=500)
    one.meet()
    first.meet()
    second.follower.on_taken = lambda _taken: pytest.fail("it has written nothing")
    second.meet()
    assert second.settings()["latency_threshold"] == 500


def test_an_error_of_our_own_is_logged_and_ends_nothing(
    one: Host,
    other: Host,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    one.change(latency_threshold=500)
    one.meet()
    with monkeypatch.context() as patch:
        patch.setattr(other.config, "change", fail)
        other.meet()
    assert caplog.text.count("settings of the fleet were not taken") == 1
    monkeypatch.setattr(one.member.fleet, "offer", fail)
    one.change(latency_threshold=400)
    assert one.file["breakers"]["payments"]["latency_threshold"] == 400
    assert caplog.text.count("a change of settings is on this host only") == 1


def test_a_value_that_is_too_long_stays_on_its_host(one: Host, hub: BreakableHub) -> None:
    with asked_by("ada") as asked:
        one.config.change({("alerts", "maintenance", "night", "reason"): "x" * 70_000})
    one.meet()
    assert not revisions(hub)
    assert not asked.keys
    assert str(one.follower.published(asked, 0.0)) == (
        "on this host only: alerts.maintenance.night.reason"
    )


def test_long_values_lose_those_before(one: Host, other: Host) -> None:
    key = ("alerts", "maintenance", "night", "reason")
    for letter in "abc":
        one.config.change({key: letter * 30_000})
        one.meet()
        other.meet()
        assert other.file == one.file


def test_a_forked_child_publishes_nothing_of_its_parent(one: Host, hub: BreakableHub) -> None:
    hub.away = True
    with asked_by("ada") as asked:
        one.change(latency_threshold=500)
    one.follower.after_fork()
    assert str(one.follower.published(asked, 0.0)).startswith("published")
    one.change(latency_threshold=400)
    hub.away = False
    one.meet()
    (entry,) = revisions(hub).values()
    assert json.loads(entry.value)["value"] == 400


def test_the_end_of_a_revision_ends_no_other() -> None:
    ended = Revision(("wait_time",), 20, (10,), "ada", 1.0, "1")
    offer = EndOffer(ended)
    assert offer.text(None) == ""
    assert offer.text(Entry("wait_time", 1, 0.0, encode(ended))) == ""
    for text in (encode(ended._replace(id="2")), "{", ""):
        assert offer.text(Entry("wait_time", 1, 0.0, text)) is None
