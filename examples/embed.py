"""Embed one breaker in a script: guard calls, watch its events, read its status.

Run it from a clone, or anywhere after `pip install .` in one:

    python examples/embed.py

It makes nine calls to a dependency that answers too slowly. The breaker opens after five, the
rest are rejected, and the reason is printed.
"""

import time

from breakerd import Breaker, BreakerOpenError, Event, Settings, Transition

settings = Settings(latency_threshold=50, minimum_calls=5)  # milliseconds at the 95th percentile
breaker = Breaker(settings, name="inventory")


def show(event: Event) -> None:
    """Print each change of state. Called on the thread that caused it."""
    if isinstance(event, Transition):
        print(f"{event.breaker}: {event.from_state.value} -> {event.to_state.value}")


@breaker
def stock_of(article: str) -> int:
    """Return how many pieces are in stock, from a service that got slow."""
    time.sleep(0.06)
    return len(article)


def main() -> None:
    """Call until the breaker opens, then print what it saw."""
    breaker.subscribe(show)
    for number in range(9):
        try:
            print(f"call {number}: {stock_of('bolt')} in stock")
        except BreakerOpenError as error:
            print(f"call {number}: {error}")
    counted = breaker.counters()
    print(f"{counted.success} calls answered, {counted.rejected} rejected")


if __name__ == "__main__":
    main()
