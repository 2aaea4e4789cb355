"""Each peer opens when it should, so that the comparison means something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from benchmarks.harness.comparison import WrongStateError
from benchmarks.harness.timed_loop import coroutine, plain
from benchmarks.peers import async_peers, sync_peers
from benchmarks.peers.naive_go_breaker import NaiveGoBreaker
from benchmarks.peers.peer import Peer

FORMS = [*sync_peers.PEERS.values(), *async_peers.PEERS.values()]


def fail() -> None:
    raise LookupError


async def fail_async() -> None:
    raise LookupError


@pytest.mark.parametrize(
    "forms", [form for form in FORMS if form is not sync_peers.naive_go_breaker]
)
def test_each_opens_and_is_not_measured_then(
    forms: Callable[[], Iterator[Peer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_peers, "nothing", fail)
    monkeypatch.setattr(async_peers, "nothing_async", fail_async)
    with asyncio.Runner() as runner:
        for peer in forms():
            peer.begin()
            if forms in async_peers.PEERS.values():
                loop = coroutine(runner, peer.body, **peer.names)
            else:
                loop = plain(peer.body, **peer.names)
            for _ in range(200):
                with suppress(Exception):  # its own, once it is open
                    loop.run(1)
            with pytest.raises(WrongStateError):
                peer.end(1)


@pytest.mark.parametrize("forms", FORMS)
def test_each_is_closed_when_it_is_made(forms: Callable[[], Iterator[Peer]]) -> None:
    for peer in forms():
        peer.begin()
        assert peer.note


def test_one_that_has_opened_is_not_measured() -> None:
    breaker = NaiveGoBreaker(window=4, threshold=50)
    peer = Peer("naive", "", {}, lambda: breaker.tripped, closed=False, note="")
    peer.begin()
    breaker.done(0, 1)
    with pytest.raises(WrongStateError, match="naive is True, not False"):
        peer.end(1)
