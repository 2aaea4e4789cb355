"""Our breaker beside others, closed, around a function that does nothing."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

from benchmarks.calls import noop_pair as empty_pair
from benchmarks.calls.breaker_under_test import Subject
from benchmarks.calls.comparison import PART, Contest, Contestant, Row
from benchmarks.calls.noop_pair import ASYNC_EMPTY, EMPTY
from benchmarks.calls.timed_loop import coroutine, plain
from benchmarks.harness.figures import Effort, Figure, unmeasured
from benchmarks.peers import async_peers as async_rivals
from benchmarks.peers import sync_peers as rivals
from benchmarks.peers.peer import Rival

NAIVE = "naive"
PURGATORY = "purgatory"
OURS = "ours, beside the peers"
OURS_DECORATED = "ours, decorator, beside the peers"
OURS_ASYNC = "ours, async decorator, beside the peers"


def measure(effort: Effort) -> list[Figure]:
    """Those for plain functions, and those for coroutines."""
    return [*measure_plain(effort), *measure_async(effort)]


def measure_plain(effort: Effort) -> list[Figure]:
    """Ours and the others, and how ours stands to the fastest that is safe under threads."""
    peers, missing = installed(rivals.RIVALS)
    with ExitStack() as stack:
        ours, decorated = (stack.enter_context(Subject()) for _ in range(2))
        field = [
            empty_pair.contestant(),
            ours.contestant(OURS),
            decorated.contestant(OURS_DECORATED, "g()", g=decorated.breaker(empty_pair.nothing)),
            *(Contestant(peer.name, plain(peer.body, **peer.names), peer) for peer in peers),
        ]
        contest = Contest(effort, field).run()
    rows = [Row(OURS, OURS, EMPTY), Row(OURS_DECORATED, OURS_DECORATED, EMPTY)]
    rows += [Row(peer.name, peer.name, EMPTY, note=peer.note) for peer in peers]
    return [*contest.figures([*rows, *against_fastest(contest, peers)]), *missing]


def against_fastest(contest: Contest, peers: list[Rival]) -> list[Row]:
    """Ours against the fastest of those that are safe, and against one that is often said to be."""
    safe = [peer for peer in peers if peer.safe and not peer.name.startswith(NAIVE)]
    rows = []
    if safe:
        fastest = min(safe, key=lambda peer: contest.median(peer.name)).name
        note = "the fastest of the peers that are safe under threads"
        rows += [
            Row("ours against the fastest safe peer", OURS, fastest, "<= 0.25", note, fastest),
            Row("our decorator against it", OURS_DECORATED, fastest, "", note, fastest),
        ]
    said = [peer.name for peer in peers if peer.name.startswith(PURGATORY)]
    if said:
        fastest = min(said, key=contest.median)
        note = "named among the safe ones at times; its source has no lock"
        rows.append(Row("ours against purgatory", OURS, fastest, "", note, fastest))
    return rows


def measure_async(effort: Effort) -> list[Figure]:
    """Ours and the others around an awaited coroutine."""
    peers, missing = installed(async_rivals.RIVALS)
    with asyncio.Runner() as runner, Subject() as ours:
        decorated = ours.breaker(empty_pair.nothing_async)
        field = [
            empty_pair.async_contestant(runner),
            ours.async_contestant(runner, OURS_ASYNC, "await g()", g=decorated),
        ]
        for peer in peers:
            loop = coroutine(runner, peer.body, **peer.names)
            field.append(Contestant(peer.name, loop, peer))
        contest = Contest(effort, field).run()
    rows = [Row(OURS_ASYNC, OURS_ASYNC, ASYNC_EMPTY, label=ASYNC_EMPTY)]
    rows += [
        Row(peer.name, peer.name, ASYNC_EMPTY, note=peer.note, label=ASYNC_EMPTY) for peer in peers
    ]
    return [*contest.figures(rows), *missing]


def installed(
    packages: Mapping[str, Callable[[], Iterator[Rival]]],
) -> tuple[list[Rival], list[Figure]]:
    """The forms of the packages that are installed, and rows for those that are not."""
    found: list[Rival] = []
    missing: list[Figure] = []
    for name, forms in packages.items():
        try:
            found += forms()
        except ImportError as error:
            missing.append(unmeasured(PART, name, str(error)))
    return found, missing
