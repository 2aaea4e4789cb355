"""What it saves that the hot path is written out where calls are guarded, and guards used again."""

from collections.abc import Callable
from typing import Final

from benchmarks.calls.empty_pair import nothing
from benchmarks.calls.forms import GUARD_BODY
from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import Change, figures
from benchmarks.tricks.undone import Field
from breaker import Breaker
from breaker.guard import Guard

GUARD: Final = "with guard()"
DECORATOR: Final = "decorator"
CALLING: Final = "a guard that calls allow and done"
KEPT: Final = "a guard made for each call"
IN_A_GUARD: Final = "a decorator made of a guard"
IN_CALL: Final = "a decorator made of call(f)"
FUNCTION: Final[Callable[..., None]] = nothing


def measure(effort: Effort) -> list[Figure]:
    """Two guards without, and two decorators that hand on to another form."""
    field = Field(effort)
    guarded, in_a_guard, in_call = Breaker(), Breaker(), Breaker()
    field.add(GUARD, Breaker(), body=GUARD_BODY)
    field.add(CALLING, calling(), body=GUARD_BODY)
    field.add(KEPT, Breaker(), body=GUARD_BODY.replace("guard()", "guard() as kept"))
    field.add(DECORATOR, guarded, body="g()", names={"g": guarded(nothing)})
    field.add(IN_A_GUARD, in_a_guard, body="g()", names={"g": by_guard(in_a_guard)})
    field.add(IN_CALL, in_call, body="g()", names={"g": by_call(in_call)})
    rows = [
        Change(CALLING, CALLING, GUARD),
        Change(KEPT, KEPT, GUARD, "as kept: in a variable until the next one is there"),
        Change(IN_A_GUARD, IN_A_GUARD, DECORATOR),
        Change(IN_CALL, IN_CALL, DECORATOR),
    ]
    return figures(field.run(), rows)


def calling() -> Breaker:
    """A breaker whose guards ask its `allow` and tell its `done`."""
    breaker = Breaker()
    breaker._plain_guard, breaker._last_guard = Guard, Guard()  # noqa: SLF001 - the trick to take back
    return breaker


def by_guard(breaker: Breaker) -> Callable[..., None]:
    """The empty function, each call in a guard."""

    def guarded(*args: object, **kwargs: object) -> None:
        with breaker.guard():
            return FUNCTION(*args, **kwargs)

    return guarded


def by_call(breaker: Breaker) -> Callable[..., None]:
    """The empty function, each call made by the breaker."""

    def guarded(*args: object, **kwargs: object) -> None:
        return breaker.call(FUNCTION, *args, **kwargs)

    return guarded
