from __future__ import annotations

from breakerd.alerts.emulator.state.heartbeats import EmulatedHeartbeat, HeartbeatStore

T = 1_800_000_000.0


def test_a_heartbeat_expires_when_its_pings_stop() -> None:
    heartbeat = EmulatedHeartbeat("h", interval=2, unit="minutes")
    assert not heartbeat.expired(T), "it was never pinged"
    heartbeat.pinged_at = T
    assert not heartbeat.expired(T + 120)
    assert heartbeat.expired(T + 121)
    heartbeat.enabled = False
    assert not heartbeat.expired(T + 121)


def test_a_ping_is_shown() -> None:
    store = HeartbeatStore()
    assert store.add(EmulatedHeartbeat("h"))
    assert "lastPingTime" not in store.heartbeats["h"].as_json(T)
    store.ping("h", T)
    assert store.heartbeats["h"].as_json(T)["lastPingTime"] == "2027-01-15T08:00:00.000Z"


def test_a_ping_of_none_is_nothing() -> None:
    store = HeartbeatStore()
    store.ping("h", T)
    assert not store.heartbeats


def test_names_are_unique_and_their_number_is_bounded() -> None:
    store = HeartbeatStore()
    assert all(store.add(EmulatedHeartbeat(str(n))) for n in range(1_000))
    assert not store.add(EmulatedHeartbeat("0"))
    assert not store.add(EmulatedHeartbeat("one more"))
