"""Other breakers for coroutines, in the forms that they recommend, with their defaults.

All of them are for the tasks of one event loop, so safety under threads is not asked here.
"""

import asyncio
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from operator import attrgetter

from benchmarks.calls.noop_pair import nothing_async
from benchmarks.peers.peer import Rival, attribute

# Each is imported by who measures it: where one is missing the others are measured all the same.


def aiobreaker() -> Iterator[Rival]:
    """A fork of pybreaker for asyncio."""
    from aiobreaker import CircuitBreaker
    from aiobreaker.state import CircuitBreakerState

    breaker = CircuitBreaker()
    yield Rival(
        "aiobreaker, decorator",
        "await g()",
        {"g": breaker(nothing_async)},
        attribute(breaker, "current_state"),
        CircuitBreakerState.CLOSED,
        f"{version('aiobreaker')}; no lock; failures in a row",
    )


def hyx() -> Iterator[Rival]:
    """For asyncio only."""
    from hyx.circuitbreaker import consecutive_breaker

    note = f"{version('hyx')}; no lock; failures in a row"
    for form, body in {"decorator": "await g()", "with": "async with b:\n    await f()"}.items():
        breaker = consecutive_breaker()
        names = {"b": breaker, "f": nothing_async, "g": breaker(nothing_async)}
        # What it calls its state is another object after each transition.
        state = partial(attrgetter("state.name"), breaker)
        yield Rival(f"hyx, {form}", body, names, state, "working", note)


def circuitbreaker() -> Iterator[Rival]:
    """The same class as for plain functions."""
    from circuitbreaker import STATE_CLOSED, CircuitBreaker

    breaker = CircuitBreaker()
    yield Rival(
        "circuitbreaker, async decorator",
        "await g()",
        {"g": breaker(nothing_async)},
        attribute(breaker, "state"),
        STATE_CLOSED,
        f"{version('circuitbreaker')}; no lock; failures in a row",
    )


def interlock() -> Iterator[Rival]:
    """The same class as for plain functions."""
    from interlock import CircuitBreaker, State

    breaker = CircuitBreaker(name="async")
    yield Rival(
        "interlock-cb, async decorator",
        "await g()",
        {"g": breaker(nothing_async)},
        attribute(breaker, "state"),
        State.CLOSED,
        f"{version('interlock-cb')}; a lock in each step; shares of failures and slow calls",
    )


def purgatory() -> Iterator[Rival]:
    """The same in coroutines."""
    from purgatory import AsyncCircuitBreakerFactory

    breakers = AsyncCircuitBreakerFactory()
    breaker = asyncio.run(breakers.get_breaker("x"))
    yield Rival(
        "purgatory, async decorator",
        "await g()",
        {"g": breakers("x")(nothing_async)},
        attribute(breaker.context, "state"),
        "closed",
        f"{version('purgatory')}; no lock; failures in a row",
    )


def pyresilience() -> Iterator[Rival]:
    """The same breaker as for plain functions."""
    from pyresilience import CircuitBreakerConfig, CircuitState, resilient

    guarded = resilient(circuit_breaker=CircuitBreakerConfig())(nothing_async)
    # There is no public way to its state.
    breaker = attrgetter("_executor._circuit_breaker")(guarded)
    yield Rival(
        "pyresilience, async decorator",
        "await g()",
        {"g": guarded},
        attribute(breaker, "state"),
        CircuitState.CLOSED,
        f"{version('pyresilience')}; a lock in each step; failures in a row",
    )


RIVALS = {
    "aiobreaker": aiobreaker,
    "hyx": hyx,
    "circuitbreaker, async": circuitbreaker,
    "interlock-cb, async": interlock,
    "purgatory, async": purgatory,
    "pyresilience, async": pyresilience,
}
"""The forms of each package."""
