from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from benchmarks.harness.figures import Effort, judge
from benchmarks.services import asgi
from benchmarks.services.asgi_apps import (
    AGAIN,
    BARE,
    BY_HAND,
    MIDDLEWARE,
    OURS,
    PEERS,
    WITH_STATUS,
    raw,
)
from breakerd.breaker.integrations.asgi import Receive, Scope, Send

SCOPE: dict[str, Any] = {"type": "http", "path": "/", "headers": []}


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise LookupError


async def receive() -> dict[str, Any]:
    return {"type": "http.disconnect"}


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # others' own
async def test_a_peers_middleware_opens_and_answers_for_the_application(name: str) -> None:
    sent: list[int] = []

    async def send(message: Any) -> None:
        sent.append(message.get("status"))

    app = PEERS[name](broken)
    for _ in range(50):
        with suppress(LookupError):
            await app(SCOPE, receive, send)
    assert sent[0] == 503


@pytest.mark.parametrize("name", [*MIDDLEWARE, *PEERS])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_what_goes_well_passes(name: str) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    app = (MIDDLEWARE | PEERS)[name](raw)
    await app(SCOPE, receive, send)
    assert sent[0]["status"] == 200
    assert sent[1]["body"] == b"ok"


@pytest.mark.needs("wrk")
def test_servers_are_compared_round_by_round(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = [asgi.Server("raw", who, "h11") for who in (BARE, OURS, "no such middleware")]
    monkeypatch.setattr(asgi, "servers", lambda: entered)
    monkeypatch.setattr(asgi, "_ROUNDS", 1)  # a new process in each round
    bare, ours, missing = asgi.measure(Effort(rounds=2, calls=1, seconds=0.5))
    for figure in (bare, ours):
        assert figure.value is not None
        assert figure.value > 0
        assert len(figure.details["rates"]) == 2
        assert 0 < figure.details["p50_s"] <= figure.details["p99_s"]
        assert figure.details["cpu_s"] > 0
        assert figure.details["errors"] == 0
    assert bare.ratio is None
    assert ours.ratio is not None
    assert judge(ours).met is not None
    assert missing.value is None
    assert "no such middleware" in missing.note


def test_every_parser_there_is_has_its_rows() -> None:
    entered = asgi.servers()
    assert len(entered) == len(set(entered))
    assert {who.middleware for who in entered} == {BARE, AGAIN, BY_HAND, WITH_STATUS, OURS, *PEERS}
    assert all(who.bare in entered for who in entered)
