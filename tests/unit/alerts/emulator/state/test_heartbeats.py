from __future__ import annotations

from breakerd.alerts.emulator.state.heartbeats import Heartbeat, HeartbeatStore

T = 1_800_000_000.0


def test_a_heartbeat_expires_when_its_pings_stop() -> None:
    heartbeat = Heartbeat("h", interval=2, unit="minutes")
    assert not heartbeat.expired(T), "it was never pinged"
    heartbeat.pinged_at = T
    assert not heartbeat.expired(T + 120)
    assert heartbeat.expired(T + 121)
    heartbeat.enabled = False
    assert not heartbeat.expired(T + 121)


def test_a_ping_is_shown() -> None:
    book = HeartbeatStore()
    assert book.add(Heartbeat("h"))
    assert "lastPingTime" not in book.heartbeats["h"].as_json(T)
    book.ping("h", T)
    assert book.heartbeats["h"].as_json(T)["lastPingTime"] == "2027-01-15T08:00:00.000Z"


def test_a_ping_of_none_is_nothing() -> None:
    book = HeartbeatStore()
    book.ping("h", T)
    assert not book.heartbeats


def test_names_are_unique_and_their_number_is_bounded() -> None:
    book = HeartbeatStore()
    assert all(book.add(Heartbeat(str(n))) for n in range(1_000))
    assert not book.add(Heartbeat("0"))
    assert not book.add(Heartbeat("one more"))
