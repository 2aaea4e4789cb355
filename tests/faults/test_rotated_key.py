"""A key that is rejected, then rotated in its secret file: parked, reported, delivered."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.alerts.emulator import Emulator
from tests.support.server_process import Server
from tests.support.webhook_receiver import RecordingServer

SETTINGS = """\
[opsgenie]
enabled = true
team = "platform"
environment = "test"
bookmaker_id = "b1"
alert_cooldown_seconds = 0

[alerts]
resolve_after = 1
retry_limit = 1

[alerts.receivers.webhook.room]
url = "{room}"
fallback = true
"""


@pytest.fixture
def room() -> Iterator[RecordingServer]:
    """Webhook that the fallback posts to."""
    with RecordingServer() as receiver:
        yield receiver


def test_a_rotated_key_delivers_all_that_was_parked(
    tmp_path: Path, opsgenie_emulator: Emulator, room: RecordingServer
) -> None:
    emulator = opsgenie_emulator
    key = tmp_path / "key"
    key.write_text("old-key-x\n")
    tmp_path.joinpath("breakers.toml").write_text(SETTINGS.format(room=room.url))
    environment = {"OPSGENIE_API_URL": emulator.url, "OPSGENIE_API_KEY_FILE": str(key)}
    server = Server("--config", "breakers.toml", folder=tmp_path, environment=environment)
    try:
        with server.client() as client:
            client.post("/breaker/force-open", json={"reason": "a test"}).raise_for_status()
            assert emulator.wait_for(lambda: bool(emulator.requests), 30)
            assert room.wait_for(1), "the fallback is told at once"
            told = emulator.wait_for(
                lambda: client.get("/readyz").json()["checks"]["alerting"] == "failing"
            )
            assert told
            metrics = client.get("/metrics").text
            assert 'breakerd_alerts_total{outcome="refused",receiver="opsgenie"}' in metrics
            parked = len(emulator.requests)
            key.write_text("test-key\n")
            assert emulator.wait_for(emulator.alerts, 30)
            assert client.get("/readyz").json()["checks"]["alerting"] == "ok"
            client.post("/breaker/reset").raise_for_status()
            closed = lambda: emulator.alerts()[0].status == "closed"  # noqa: E731 - a condition
            assert emulator.wait_for(closed, 30)
    finally:
        server.stop(signal.SIGTERM)
    assert parked == 1, "tried once a minute, and not more"
    assert len(emulator.alerts()) == 1
    assert "refused" in server.text
    for secret in ("old-key-x", "test-key"):
        assert secret not in server.text
