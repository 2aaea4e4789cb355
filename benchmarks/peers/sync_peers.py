"""Other breakers for plain functions, in the forms that they recommend, with their defaults."""

import time
from collections.abc import Iterator
from importlib.metadata import version
from operator import attrgetter

from benchmarks.calls import breaker_under_test as subject
from benchmarks.calls.noop_pair import nothing
from benchmarks.peers.naive_go_breaker import NaiveGoBreaker
from benchmarks.peers.peer import Rival, attribute

# Each is imported by who measures it: where one is missing the others are measured all the same.


def pybreaker() -> Iterator[Rival]:
    """One lock, held while the guarded function runs."""
    from pybreaker import STATE_CLOSED, CircuitBreaker

    release = version("pybreaker")
    note = f"{release}; safe: one lock, held during the call too; failures in a row"
    bodies = {"decorator": "g()", "with": "with b.calling():\n    f()"}
    for form, body in bodies.items():
        breaker = CircuitBreaker()
        names = {"b": breaker, "f": nothing, "g": breaker(nothing)}
        state = attribute(breaker, "current_state")
        yield Rival(f"pybreaker, {form}", body, names, state, STATE_CLOSED, note, safe=True)


def circuitbreaker() -> Iterator[Rival]:
    """Plain attributes."""
    from circuitbreaker import STATE_CLOSED, CircuitBreaker

    note = f"{version('circuitbreaker')}; not safe: no lock; failures in a row"
    breaker = CircuitBreaker()
    names = {"g": breaker(nothing)}
    state = attribute(breaker, "state")
    yield Rival("circuitbreaker, decorator", "g()", names, state, STATE_CLOSED, note)


def purgatory() -> Iterator[Rival]:
    """Plain attributes and a list of messages."""
    from purgatory import SyncCircuitBreakerFactory

    note = f"{version('purgatory')}; not safe by its source: no lock; failures in a row"
    bodies = {"with": "with b.get_breaker('x'):\n    f()", "decorator": "g()"}
    for form, body in bodies.items():
        breakers = SyncCircuitBreakerFactory()
        names = {"b": breakers, "f": nothing, "g": breakers("x")(nothing)}
        state = attribute(breakers.get_breaker("x").context, "state")
        yield Rival(f"purgatory, {form}", body, names, state, "closed", note)


def interlock() -> Iterator[Rival]:
    """A lock around each step, and windows."""
    from interlock import CircuitBreaker, State

    release = version("interlock-cb")
    note = f"{release}; safe: a lock in each step; shares of failures and slow calls"
    for form, body in {"decorator": "g()", "with": "with b:\n    f()"}.items():
        breaker = CircuitBreaker(name=form)
        names = {"b": breaker, "f": nothing, "g": breaker(nothing)}
        state = attribute(breaker, "state")
        yield Rival(f"interlock-cb, {form}", body, names, state, State.CLOSED, note, safe=True)


def pyresilience() -> Iterator[Rival]:
    """A lock around each step."""
    from pyresilience import CircuitBreakerConfig, CircuitState, resilient

    safe = f"{version('pyresilience')}; safe: a lock in each step"
    window = CircuitBreakerConfig(
        sliding_window_size=64, slow_call_duration=1.5, slow_call_rate_threshold=0.05
    )
    for form, configuration, goes_by in (
        ("decorator", CircuitBreakerConfig(), "failures in a row"),
        ("decorator, window 64", window, "shares of failures and slow calls"),
    ):
        guarded = resilient(circuit_breaker=configuration)(nothing)
        # There is no public way to its state.
        breaker = attrgetter("_executor._circuit_breaker")(guarded)
        yield Rival(
            f"pyresilience, {form}",
            "g()",
            {"g": guarded},
            attribute(breaker, "state"),
            CircuitState.CLOSED,
            f"{safe}; {goes_by}",
            safe=True,
        )


def naive_go_breaker() -> Iterator[Rival]:
    """Our port of go-breaker, with its window full."""
    for size in (64, 1024, 65536):
        breaker = NaiveGoBreaker(window=size, samples=[0.001 * (n % 97) for n in range(size)])
        yield Rival(
            f"naive go-breaker, window {size:,}",
            subject.BODY,
            {"b": breaker, "clock": time.monotonic, "f": nothing},
            attribute(breaker, "tripped"),
            closed=False,
            note="our port; safe: a lock in each step; percentile of latency",
            safe=True,
        )


RIVALS = {
    "pybreaker": pybreaker,
    "circuitbreaker": circuitbreaker,
    "purgatory": purgatory,
    "interlock-cb": interlock,
    "pyresilience": pyresilience,
    "naive go-breaker": naive_go_breaker,
}
"""The forms of each package."""
