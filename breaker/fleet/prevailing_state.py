"""State of a breaker in a fleet: that of most processes. Pure."""

from collections.abc import Iterable

from breakerd.breaker.states import REJECTING, State


def prevailing_state(states: Iterable[tuple[str, int]]) -> State | None:
    """Return the state of most processes; of two that are as frequent, the one that rejects.

    Args:
        states: (state as reports have it, number of processes in it).

    Returns:
        None if nobody is in a state that this version knows.
    """
    known = [(count, _state(name)) for name, count in states]
    found = [(count, state in REJECTING, state) for count, state in known if state]
    return max(found)[2] if found else None


def _state(name: str) -> State | None:
    try:
        return State(name.upper())
    except ValueError:
        return None
