from __future__ import annotations

from pathlib import Path

from tests.support.example_process import EXAMPLES, run
from tests.support.webhook_receiver import RecordingServer, Reply


def test_embed(tmp_path: Path) -> None:
    lines = run(str(EXAMPLES / "embed.py"), folder=tmp_path).splitlines()
    answered = [f"call {number}: 4 in stock" for number in range(5)]
    rejected = "breaker 'inventory' is open (latency): retry in 1 s"
    assert lines == [
        *answered[:4],
        "inventory: CLOSED -> OPEN",
        answered[4],
        *(f"call {number}: {rejected}" for number in range(5, 9)),
        "5 calls answered, 4 rejected",
    ]


def test_async_client_stops_sending_to_a_failing_server(tmp_path: Path) -> None:
    with RecordingServer(lambda _request: Reply(503)) as server:
        lines = run(str(EXAMPLES / "async_client.py"), server.url, folder=tmp_path).splitlines()
    assert lines == [
        *(f"request {number} answered: 503" for number in range(5)),
        *(f"request {number} not sent: errors" for number in range(5, 10)),
        "the breaker is OPEN",
    ]
    assert len(server.requests) == 5


def test_async_client_of_a_good_server(tmp_path: Path) -> None:
    with RecordingServer() as server:
        lines = run(str(EXAMPLES / "async_client.py"), server.url, folder=tmp_path).splitlines()
    assert lines[9:] == ["request 9 answered: 200", "the breaker is CLOSED"]
