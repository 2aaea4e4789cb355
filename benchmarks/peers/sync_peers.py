"""Other breakers for functions, in the forms that they recommend, with their defaults."""

import time
from collections.abc import Iterator
from importlib.metadata import version
from operator import attrgetter

from benchmarks.harness.call_forms import ALLOW_DONE
from benchmarks.harness.noop_pair import nothing
from benchmarks.peers.naive_go_breaker import NaiveGoBreaker
from benchmarks.peers.peer import Peer, attribute

# Each function imports its package, so that the others can be measured without it.


def pybreaker() -> Iterator[Peer]:
    """Yield pybreaker: one lock, held while the guarded function runs."""
    from pybreaker import STATE_CLOSED, CircuitBreaker

    release = version("pybreaker")
    note = f"{release}; thread-safe: one lock, held during the call too; failures in a row"
    bodies = {"decorator": "g()", "with": "with b.calling():\n    f()"}
    for form, body in bodies.items():
        breaker = CircuitBreaker()
        names = {"b": breaker, "f": nothing, "g": breaker(nothing)}
        state = attribute(breaker, "current_state")
        yield Peer(f"pybreaker, {form}", body, names, state, STATE_CLOSED, note, thread_safe=True)


def circuitbreaker() -> Iterator[Peer]:
    """Yield circuitbreaker: plain attributes, no lock."""
    from circuitbreaker import STATE_CLOSED, CircuitBreaker

    note = f"{version('circuitbreaker')}; not thread-safe: no lock; failures in a row"
    breaker = CircuitBreaker()
    names = {"g": breaker(nothing)}
    state = attribute(breaker, "state")
    yield Peer("circuitbreaker, decorator", "g()", names, state, STATE_CLOSED, note)


def purgatory() -> Iterator[Peer]:
    """Yield purgatory: plain attributes and a list of messages, no lock."""
    from purgatory import SyncCircuitBreakerFactory

    note = f"{version('purgatory')}; not thread-safe: no lock; failures in a row"
    bodies = {"with": "with b.get_breaker('x'):\n    f()", "decorator": "g()"}
    for form, body in bodies.items():
        breakers = SyncCircuitBreakerFactory()
        names = {"b": breakers, "f": nothing, "g": breakers("x")(nothing)}
        state = attribute(breakers.get_breaker("x").context, "state")
        yield Peer(f"purgatory, {form}", body, names, state, "closed", note)


def interlock() -> Iterator[Peer]:
    """Yield interlock-cb: a lock around each step, and windows."""
    from interlock import CircuitBreaker, State

    release = version("interlock-cb")
    note = f"{release}; thread-safe: a lock in each step; shares of failures and slow calls"
    for form, body in {"decorator": "g()", "with": "with b:\n    f()"}.items():
        breaker = CircuitBreaker(name=form)
        names = {"b": breaker, "f": nothing, "g": breaker(nothing)}
        state = attribute(breaker, "state")
        yield Peer(
            f"interlock-cb, {form}", body, names, state, State.CLOSED, note, thread_safe=True
        )


def pyresilience() -> Iterator[Peer]:
    """Yield pyresilience: a lock around each step, without and with a window."""
    from pyresilience import CircuitBreakerConfig, CircuitState, resilient

    safe = f"{version('pyresilience')}; thread-safe: a lock in each step"
    window = CircuitBreakerConfig(
        sliding_window_size=64, slow_call_duration=1.5, slow_call_rate_threshold=0.05
    )
    for form, configuration, goes_by in (
        ("decorator", CircuitBreakerConfig(), "failures in a row"),
        ("decorator, window 64", window, "shares of failures and slow calls"),
    ):
        guarded = resilient(circuit_breaker=configuration)(nothing)
        # Its state is not public.
        breaker = attrgetter("_executor._circuit_breaker")(guarded)
        yield Peer(
            f"pyresilience, {form}",
            "g()",
            {"g": guarded},
            attribute(breaker, "state"),
            CircuitState.CLOSED,
            f"{safe}; {goes_by}",
            thread_safe=True,
        )


def naive_go_breaker() -> Iterator[Peer]:
    """Yield our port of go-breaker with full windows."""
    for size in (64, 1024, 65536):
        breaker = NaiveGoBreaker(window=size, samples=[0.001 * (n % 97) for n in range(size)])
        yield Peer(
            f"naive go-breaker, window {size:,}",
            ALLOW_DONE,
            {"b": breaker, "clock": time.monotonic, "f": nothing},
            attribute(breaker, "tripped"),
            closed=False,
            note="our port; thread-safe: a lock in each step; percentile of latency",
            thread_safe=True,
        )


PEERS = {
    "pybreaker": pybreaker,
    "circuitbreaker": circuitbreaker,
    "purgatory": purgatory,
    "interlock-cb": interlock,
    "pyresilience": pyresilience,
    "naive go-breaker": naive_go_breaker,
}
"""Generator of the forms, by package."""
