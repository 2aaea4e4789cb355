"""Our breaker beside others, closed, around a function that does nothing."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Final

from benchmarks.calls.breaker_under_test import BreakerUnderTest
from benchmarks.harness import call_forms, noop_pair
from benchmarks.harness.comparison import PART, Candidate, Comparison, Row
from benchmarks.harness.figures import Effort, Figure, unmeasured
from benchmarks.harness.noop_pair import ASYNC_NOOP, NOOP
from benchmarks.harness.timed_loop import coroutine, plain
from benchmarks.peers import async_peers, sync_peers
from benchmarks.peers.peer import Peer

NAIVE: Final = "naive"
PURGATORY: Final = "purgatory"
OURS: Final = "ours, beside the peers"
OURS_DECORATED: Final = "ours, decorator, beside the peers"
OURS_ASYNC: Final = "ours, async decorator, beside the peers"


def measure(effort: Effort) -> list[Figure]:
    """Measure peers for functions, then those for coroutines."""
    return [*measure_plain(effort), *measure_async(effort)]


def measure_plain(effort: Effort) -> list[Figure]:
    """Measure ours and the peers, and compare ours with the fastest thread-safe one."""
    peers, missing = installed(sync_peers.PEERS)
    with ExitStack() as stack:
        ours, decorated = (stack.enter_context(BreakerUnderTest()) for _ in range(2))
        guarded = decorated.breaker(noop_pair.nothing)
        candidates = [
            noop_pair.candidate(),
            ours.candidate(OURS),
            decorated.candidate(OURS_DECORATED, call_forms.DECORATOR, g=guarded),
            *(Candidate(peer.name, plain(peer.body, **peer.names), peer) for peer in peers),
        ]
        comparison = Comparison(effort, candidates).run()
    rows = [Row(OURS, OURS, NOOP), Row(OURS_DECORATED, OURS_DECORATED, NOOP)]
    rows += [Row(peer.name, peer.name, NOOP, note=peer.note) for peer in peers]
    return [*comparison.figures([*rows, *against_fastest(comparison, peers)]), *missing]


def against_fastest(comparison: Comparison, peers: list[Peer]) -> list[Row]:
    """Return rows of ours against the fastest thread-safe peer, and against purgatory."""
    safe = [peer for peer in peers if peer.thread_safe and not peer.name.startswith(NAIVE)]
    rows = []
    if safe:
        fastest = min(safe, key=lambda peer: comparison.median(peer.name)).name
        note = "the fastest of the thread-safe peers"
        rows += [
            Row("ours against the fastest safe peer", OURS, fastest, "<= 0.25", note, fastest),
            Row("our decorator against it", OURS_DECORATED, fastest, "", note, fastest),
        ]
    purgatory = [peer.name for peer in peers if peer.name.startswith(PURGATORY)]
    if purgatory:
        fastest = min(purgatory, key=comparison.median)
        note = "sometimes listed as thread-safe; its source has no lock"
        rows.append(Row("ours against purgatory", OURS, fastest, "", note, fastest))
    return rows


def measure_async(effort: Effort) -> list[Figure]:
    """Measure ours and the peers around an awaited coroutine."""
    peers, missing = installed(async_peers.PEERS)
    with asyncio.Runner() as runner, BreakerUnderTest() as ours:
        decorated = ours.breaker(noop_pair.nothing_async)
        candidates = [
            noop_pair.async_candidate(runner),
            ours.async_candidate(runner, OURS_ASYNC, call_forms.ASYNC_DECORATOR, g=decorated),
        ]
        for peer in peers:
            loop = coroutine(runner, peer.body, **peer.names)
            candidates.append(Candidate(peer.name, loop, peer))
        comparison = Comparison(effort, candidates).run()
    rows = [Row(OURS_ASYNC, OURS_ASYNC, ASYNC_NOOP, label=ASYNC_NOOP)]
    rows += [
        Row(peer.name, peer.name, ASYNC_NOOP, note=peer.note, label=ASYNC_NOOP) for peer in peers
    ]
    return [*comparison.figures(rows), *missing]


def installed(
    packages: Mapping[str, Callable[[], Iterator[Peer]]],
) -> tuple[list[Peer], list[Figure]]:
    """Return the forms of the installed packages, and unmeasured figures for the others."""
    found: list[Peer] = []
    missing: list[Figure] = []
    for name, forms in packages.items():
        try:
            found += forms()
        except ImportError as error:
            missing.append(unmeasured(PART, name, str(error)))
    return found, missing
