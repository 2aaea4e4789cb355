"""Other breakers for coroutines, in the forms that they recommend, with their defaults.

All of them serve the tasks of one event loop, so thread-safety is not compared.
"""

import asyncio
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from operator import attrgetter

from benchmarks.harness.noop_pair import nothing_async
from benchmarks.peers.peer import Peer, attribute

# Each function imports its package, so that the others can be measured without it.


def aiobreaker() -> Iterator[Peer]:
    """Yield aiobreaker, a fork of pybreaker for asyncio."""
    from aiobreaker import CircuitBreaker
    from aiobreaker.state import CircuitBreakerState

    breaker = CircuitBreaker()
    yield Peer(
        "aiobreaker, decorator",
        "await g()",
        {"g": breaker(nothing_async)},
        attribute(breaker, "current_state"),
        CircuitBreakerState.CLOSED,
        f"{version('aiobreaker')}; no lock; failures in a row",
    )


def hyx() -> Iterator[Peer]:
    """Yield hyx, which is for asyncio only."""
    from hyx.circuitbreaker import consecutive_breaker

    note = f"{version('hyx')}; no lock; failures in a row"
    for form, body in {"decorator": "await g()", "with": "async with b:\n    await f()"}.items():
        breaker = consecutive_breaker()
        names = {"b": breaker, "f": nothing_async, "g": breaker(nothing_async)}
        # Its state is a new object after each transition.
        state = partial(attrgetter("state.name"), breaker)
        yield Peer(f"hyx, {form}", body, names, state, "working", note)


def circuitbreaker() -> Iterator[Peer]:
    """Yield circuitbreaker: the same class as for functions."""
    from circuitbreaker import STATE_CLOSED, CircuitBreaker

    breaker = CircuitBreaker()
    yield Peer(
        "circuitbreaker, async decorator",
        "await g()",
        {"g": breaker(nothing_async)},
        attribute(breaker, "state"),
        STATE_CLOSED,
        f"{version('circuitbreaker')}; no lock; failures in a row",
    )


def interlock() -> Iterator[Peer]:
    """Yield interlock-cb: the same class as for functions."""
    from interlock import CircuitBreaker, State

    breaker = CircuitBreaker(name="async")
    yield Peer(
        "interlock-cb, async decorator",
        "await g()",
        {"g": breaker(nothing_async)},
        attribute(breaker, "state"),
        State.CLOSED,
        f"{version('interlock-cb')}; a lock in each step; shares of failures and slow calls",
    )


def purgatory() -> Iterator[Peer]:
    """Yield purgatory: its asynchronous factory."""
    from purgatory import AsyncCircuitBreakerFactory

    breakers = AsyncCircuitBreakerFactory()
    breaker = asyncio.run(breakers.get_breaker("x"))
    yield Peer(
        "purgatory, async decorator",
        "await g()",
        {"g": breakers("x")(nothing_async)},
        attribute(breaker.context, "state"),
        "closed",
        f"{version('purgatory')}; no lock; failures in a row",
    )


def pyresilience() -> Iterator[Peer]:
    """Yield pyresilience: the same breaker as for functions."""
    from pyresilience import CircuitBreakerConfig, CircuitState, resilient

    guarded = resilient(circuit_breaker=CircuitBreakerConfig())(nothing_async)
    # Its state is not public.
    breaker = attrgetter("_executor._circuit_breaker")(guarded)
    yield Peer(
        "pyresilience, async decorator",
        "await g()",
        {"g": guarded},
        attribute(breaker, "state"),
        CircuitState.CLOSED,
        f"{version('pyresilience')}; a lock in each step; failures in a row",
    )


PEERS = {
    "aiobreaker": aiobreaker,
    "hyx": hyx,
    "circuitbreaker, async": circuitbreaker,
    "interlock-cb, async": interlock,
    "purgatory, async": purgatory,
    "pyresilience, async": pyresilience,
}
"""Generator of the forms, by package."""
