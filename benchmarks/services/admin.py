"""The admin plane under load while breakers work, with many breakers in one process.

A host embeds the breakers and the admin plane, and makes calls from a thread of its own. Each load,
and no load, has its turn in every round; the host measures the cost of its calls meanwhile.
"""

import json
import statistics
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.harness import http_load
from benchmarks.harness.child import Child, two_cores
from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.http_load import Load

NAME: Final = "admin"

BREAKERS = 1_000
READERS = 200
MAX_SECONDS: Final = 15.0
"""Maximum seconds of a load that is repeated for longer because it got no response."""
_ROUNDS: Final = 15
"""Maximum number of rounds; each takes about 15 s."""
EVENTS: Final = 50
"""Events per second while there are readers."""

QUIET: Final = "no load"
EVENTS_ALONE: Final = "events that nobody reads"
FOLLOWED: Final = "/events"


@dataclass(frozen=True)
class Path:
    """A path to load.

    Attributes:
        path: of the URL.
        connections: number of connections at once.
        min_seconds: minimum duration of the load.
    """

    path: str
    connections: int
    min_seconds: float


PATHS: Final = (
    Path("/breaker/status", 8, 0.5),
    Path("/breakers", 1, 2.0),
    Path("/metrics", 1, 4.0),
)


@dataclass
class Results:
    """Measurements of all rounds.

    Attributes:
        watched: cost of the host's own calls, by load.
        loads: results of `wrk`, by path.
        cpu: CPU seconds per request, by path.
        readings: delays and counts of the readers of events.
        rest: share of a core used by breakers at rest.
    """

    watched: dict[str, list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))
    loads: dict[str, list[Load]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    readings: list[dict[str, list[float]]] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)


def measure(effort: Effort) -> list[Figure]:
    """Load one path after the other, in every round."""
    http_load.require()
    results = Results()
    seconds = effort.seconds / 5
    with (
        tempfile.TemporaryDirectory() as folder,
        two_cores() as core,
        Child("benchmarks.services.admin_host", folder, str(BREAKERS), core=core) as host,
    ):
        _ = host.ready_line
        for _ in range(min(_ROUNDS, effort.rounds)):
            results.rest.append(_command(host, f"rest {seconds}")["cpu"])
            results.watched[QUIET].append(_command(host, f"watch {seconds} 0"))
            alone = _command(host, f"watch {seconds} {_events(seconds)}")
            results.watched[EVENTS_ALONE].append(alone)
            for path in PATHS:
                _load(host, path, max(seconds, path.min_seconds), results)
            _follow(host, max(seconds, 1.0), results)
    return figures(results)


def _events(seconds: float) -> int:
    """Return an even number of events: each breaker that opens closes again."""
    return 2 * max(1, round(EVENTS * seconds / 2))


def _command(host: Child, command: str) -> dict[str, float]:
    host.write_line(command)
    return _reply(host)


def _reply(host: Child) -> dict[str, Any]:
    reply: dict[str, Any] = json.loads(host.read_line())
    return reply


def _load(host: Child, path: Path, seconds: float, results: Results) -> None:
    host.write_line(f"watch {seconds} 0")
    before = host.cpu_seconds()
    load = http_load.load(host.ready_line + path.path, seconds, connections=path.connections)
    used = host.cpu_seconds() - before
    if not load.requests and seconds < MAX_SECONDS:  # the machine is too slow for so short a load
        _reply(host)
        _load(host, path, seconds * 2, results)
        return
    # The host also makes calls of its own, and ticks its breakers.
    baseline = results.watched[QUIET][-1]["cpu"] * load.seconds
    results.cpu[path.path].append(max(0.0, used - baseline) / max(1, load.requests))
    results.loads[path.path].append(load)
    results.watched[path.path].append(_reply(host))


def _follow(host: Child, seconds: float, results: Results) -> None:
    events = _events(seconds)
    arguments = (host.ready_line + FOLLOWED, str(READERS), str(events), str(seconds + 30))
    with Child("benchmarks.services.sse_readers", *arguments) as readers:
        _ = readers.ready_line
        results.watched[FOLLOWED].append(_command(host, f"watch {seconds} {events}"))
        results.readings.append(json.loads(readers.read_line()) | {"events": [events]})


def figures(results: Results) -> list[Figure]:
    """Return the figures of the results."""
    return [
        Figure(
            NAME,
            f"{BREAKERS:,} breakers at rest",
            statistics.median(results.rest) * 100,
            "% of a core",
        ),
        *(_responses(path, results) for path in PATHS),
        *_readers(results),
        *(_engine(load, results) for load in results.watched),
        _transition(results),
    ]


def _responses(path: Path, results: Results) -> Figure:
    loads = [load for load in results.loads[path.path] if load.requests]
    how = f"{path.connections} connections" if path.connections > 1 else "one connection"
    name = f"GET {path.path}, {BREAKERS:,} breakers, {how}"
    if not loads:
        return Figure(NAME, name, 0.0, "requests/s", note="no response within the load")
    p50 = statistics.median(load.p50 for load in loads)
    p99 = statistics.median(load.p99 for load in loads)
    cpu = statistics.median(results.cpu[path.path])
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


def _readers(results: Results) -> list[Figure]:
    """Return the delay of an event to the last reader, and the share of events that arrived."""
    rounds = [sorted(reading["delays"]) for reading in results.readings]
    p50 = statistics.median(delays[len(delays) // 2] for delays in rounds)
    p99 = statistics.median(delays[len(delays) * 99 // 100] for delays in rounds)
    made = sum(reading["events"][0] for reading in results.readings) * READERS
    # A duplicate at one reader does not make up for a loss at another.
    received = sum(
        min(one, reading["events"][0])
        for reading in results.readings
        for one in reading["received"]
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
            value=received / made,
            unit="",
            reach=">= 1",
            note=f"{received:,} of {made:,}",
        ),
    ]


def _engine(load: str, results: Results) -> Figure:
    """Return the host's calls per second, compared with no load in the same round, and their cost.

    A thread that waits for the interpreter makes fewer calls. Each may cost less than without load,
    since the interpreter was not idle before.
    """
    watched, quiet = results.watched[load], results.watched[QUIET]
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


def _transition(results: Results) -> Figure:
    """Return the time of a transition for the thread that makes it, with and without readers."""
    with_readers = [now["event_p50"] for now in results.watched[FOLLOWED]]
    without = [then["event_p50"] for then in results.watched[EVENTS_ALONE]]
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
    return statistics.median(one[key] for one in watched)
