"""The admin plane under load while the engine works, with many breakers in one process.

A host embeds the breakers and the plane, and calls them from a thread of its own. Each load, and
none, takes its turn in every round; meanwhile the host watches what its calls cost it.
"""

import json
import statistics
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.harness import http_load as wrk
from benchmarks.harness.child import Child, two_cores
from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.http_load import Load

NAME: Final = "admin"

BREAKERS = 1_000
READERS = 200
LONGEST: Final = 15.0
"""Seconds from which on a load that had no answer is not tried longer."""
_ROUNDS: Final = 15
"""At most; each takes a quarter of a minute."""
EVENTS: Final = 50
"""A second, while there are readers."""

QUIET: Final = "no load"
EVENTS_ALONE: Final = "events that nobody reads"
FOLLOWED: Final = "/events"


@dataclass(frozen=True)
class Path:
    """What is asked for: on how many connections, and for how many seconds at least."""

    path: str
    connections: int
    least: float


PATHS: Final = (
    Path("/breaker/status", 8, 0.5),
    Path("/breakers", 1, 2.0),
    Path("/metrics", 1, 4.0),
)


@dataclass
class Found:
    """What was found in all rounds; `watched` is by load."""

    watched: dict[str, list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))
    loads: dict[str, list[Load]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    readings: list[dict[str, list[float]]] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)


def measure(effort: Effort) -> list[Figure]:
    """Loads one path after the other."""
    wrk.require()
    found = Found()
    seconds = effort.seconds / 5
    with (
        tempfile.TemporaryDirectory() as folder,
        two_cores() as core,
        Child("benchmarks.services.admin_host", folder, str(BREAKERS), core=core) as host,
    ):
        _ = host.word
        for _ in range(min(_ROUNDS, effort.rounds)):
            found.rest.append(_order(host, f"rest {seconds}")["cpu"])
            found.watched[QUIET].append(_order(host, f"watch {seconds} 0"))
            alone = _order(host, f"watch {seconds} {_events(seconds)}")
            found.watched[EVENTS_ALONE].append(alone)
            for path in PATHS:
                _load(host, path, max(seconds, path.least), found)
            _follow(host, max(seconds, 1.0), found)
    return figures(found)


def _events(seconds: float) -> int:
    """An even number: what is opened is closed again."""
    return 2 * max(1, round(EVENTS * seconds / 2))


def _order(host: Child, order: str) -> dict[str, float]:
    host.tell(order)
    return _answer(host)


def _answer(host: Child) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(host.hear())
    return answer


def _load(host: Child, path: Path, seconds: float, found: Found) -> None:
    host.tell(f"watch {seconds} 0")
    before = host.cpu_seconds()
    load = wrk.load(host.word + path.path, seconds, connections=path.connections)
    used = host.cpu_seconds() - before
    if not load.requests and seconds < LONGEST:  # too slow a machine for so short a look
        _answer(host)
        _load(host, path, seconds * 2, found)
        return
    # The host has calls of its own to make, and breakers to tick.
    besides = found.watched[QUIET][-1]["cpu"] * load.seconds
    found.cpu[path.path].append(max(0.0, used - besides) / max(1, load.requests))
    found.loads[path.path].append(load)
    found.watched[path.path].append(_answer(host))


def _follow(host: Child, seconds: float, found: Found) -> None:
    events = _events(seconds)
    arguments = (host.word + FOLLOWED, str(READERS), str(events), str(seconds + 30))
    with Child("benchmarks.services.sse_readers", *arguments) as readers:
        _ = readers.word
        found.watched[FOLLOWED].append(_order(host, f"watch {seconds} {events}"))
        found.readings.append(json.loads(readers.hear()) | {"events": [events]})


def figures(found: Found) -> list[Figure]:
    """The table's rows."""
    return [
        Figure(
            NAME,
            f"{BREAKERS:,} breakers at rest",
            statistics.median(found.rest) * 100,
            "% of a core",
        ),
        *(_answers(path, found) for path in PATHS),
        *_readers(found),
        *(_engine(load, found) for load in found.watched),
        _moved(found),
    ]


def _answers(path: Path, found: Found) -> Figure:
    loads = [load for load in found.loads[path.path] if load.requests]
    how = f"{path.connections} connections" if path.connections > 1 else "one connection"
    name = f"GET {path.path}, {BREAKERS:,} breakers, {how}"
    if not loads:
        return Figure(NAME, name, 0.0, "requests/s", note="no answer came while it lasted")
    p50 = statistics.median(load.p50 for load in loads)
    p99 = statistics.median(load.p99 for load in loads)
    cpu = statistics.median(found.cpu[path.path])
    size = statistics.median(load.received / load.requests for load in loads)
    errors = sum(load.errors for load in loads)
    return Figure(
        part=NAME,
        name=name,
        value=statistics.median(load.rate for load in loads),
        unit="requests/s",
        note=f"p50 {_ms(p50)}, p99 {_ms(p99)}, {errors} errors, {size:,.0f} bytes, CPU {_ms(cpu)}; "
        f"{sum(load.requests for load in loads):,} requests in all",
        details={
            "p50_s": p50,
            "p99_s": p99,
            "minimum_s": min(load.p50 for load in loads),
            "cpu_s": cpu,
            "bytes": size,
            "errors": errors,
            "rounds": len(loads),
        },
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds * 1000:,.0f} ms"


def _readers(found: Found) -> list[Figure]:
    """How late the last reader had an event, and whether all had all."""
    rounds = [sorted(reading["delays"]) for reading in found.readings]
    p50 = statistics.median(delays[len(delays) // 2] for delays in rounds)
    p99 = statistics.median(delays[len(delays) * 99 // 100] for delays in rounds)
    made = sum(reading["events"][0] for reading in found.readings) * READERS
    # One that had an event twice does not make up for another that missed it.
    had = sum(
        min(one, reading["events"][0]) for reading in found.readings for one in reading["had"]
    )
    who = f"{READERS} readers of {FOLLOWED}, {EVENTS} events/s"
    return [
        Figure(
            part=NAME,
            name=f"{who}: delay to the last",
            value=p50 * 1000,
            unit="ms",
            note=f"p99 {_ms(p99)}",
            details={"minimum_ms": min(min(delays) for delays in rounds) * 1000},
        ),
        Figure(
            part=NAME,
            name=f"{who}: share that arrived",
            value=had / made,
            unit="",
            reach=">= 1",
            note=f"{had:,} of {made:,}",
        ),
    ]


def _engine(load: str, found: Found) -> Figure:
    """How many calls the host makes, compared with the round's without load, and their cost.

    A thread that waits for the interpreter makes fewer. Each may cost less than without load, where
    the interpreter does not lie idle before.
    """
    watched, quiet = found.watched[load], found.watched[QUIET]
    p50, p99, calls, cpu = (_median(watched, key) for key in ("p50", "p99", "calls", "cpu"))
    compared = load != QUIET
    rounds = zip(watched, quiet, strict=True)
    best, best_quiet = (max(now["calls"] for now in turns) for turns in (watched, quiet))
    return Figure(
        part=NAME,
        name=f"calls in a working thread, {load}",
        value=calls,
        unit="calls/s",
        ratio=statistics.median(now["calls"] / then["calls"] for now, then in rounds)
        if compared
        else None,
        against=QUIET if compared else "",
        note=f"each sleeps 0.5 ms; allow + done p50 {p50:,.0f} ns, p99 {p99:,.0f} ns; the process "
        f"uses {cpu:.0%} of a core",
        details={
            "p50_ns": p50,
            "p99_ns": p99,
            "calls_per_second": calls,
            "cpu": cpu,
            "rounds": len(watched),
            **({"ratio_of_minima": best / best_quiet} if compared else {}),
        },
    )


def _moved(found: Found) -> Figure:
    """What readers cost the thread whose call moves a breaker."""
    with_readers = [now["event_p50"] for now in found.watched[FOLLOWED]]
    without = [then["event_p50"] for then in found.watched[EVENTS_ALONE]]
    rounds = zip(with_readers, without, strict=True)
    return Figure(
        part=NAME,
        name=f"a transition, with {READERS} readers",
        value=statistics.median(with_readers) / 1000,
        unit="µs",
        ratio=statistics.median(now / then for now, then in rounds),
        against="without readers",
        details={
            "ratio_of_minima": min(with_readers) / min(without),
            "minimum_us": min(with_readers) / 1000,
            "rounds": len(with_readers),
        },
    )


def _median(watched: list[dict[str, float]], key: str) -> float:
    return statistics.median(found[key] for found in watched)
