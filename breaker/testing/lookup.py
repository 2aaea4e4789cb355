"""Find a breaker that was taken over, by its name or as itself."""

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.testing.takeover import Takeover


class BreakerLookupError(KeyError):
    """No such breaker was taken over; says which were, and what to do."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would quote it


def find(takeover: Takeover, which: str | Breaker) -> Breaker:
    """Return the newest breaker of that name, or `which` itself.

    Raises:
        BreakerLookupError: none has this name, or `which` was not taken over.
    """
    if isinstance(which, Breaker):
        if any(breaker is which for breaker in takeover.breakers):
            return which
        raise BreakerLookupError(
            f"{which!r} was not taken over: it has a ManualClock or is externally_ticked, so the "
            "test drives it; make it without its own clock to find it here"
        )
    for breaker in reversed(takeover.breakers):
        if breaker.name == which:  # older ones may be what earlier tests have left
            return breaker
    raise BreakerLookupError(_unknown(takeover, which))


def _unknown(takeover: Takeover, name: str) -> str:
    names = ", ".join(sorted({repr(breaker.name) for breaker in takeover.breakers})) or "none"
    return (
        f"no breaker is named {name!r}; there are: {names}. A breaker is there once it is made: "
        "import the module that makes it, or get it from its registry, first"
    )
