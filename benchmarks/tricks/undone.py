"""The real breaker, made ready for a trick to be taken back from it, and its contests."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import FunctionType
from typing import Any

from benchmarks.calls import empty_pair
from benchmarks.calls.contest import Contest, Contestant
from benchmarks.calls.subject import BODY, Subject
from benchmarks.figures import Effort
from benchmarks.tricks.difference import OURS, SAME
from breaker import Breaker, Settings


class Undone(Breaker):
    """A breaker of which a subclass undoes one trick.

    Each subclass has its own code for the hot path, also for what it leaves as it is: the
    interpreter specialises code for the one class that it meets there.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Copies what is inherited."""
        own_code(cls)


def own_code(kind: type) -> None:
    """Gives a class code of its own for what it inherits of the hot path."""
    for name in ("allow", "done"):
        if name not in vars(kind):
            setattr(kind, name, own(getattr(kind, name)))


def own(function: FunctionType, **names: object) -> FunctionType:
    """A function of the same text, for which the global `names` mean something else."""
    scope = {**function.__globals__, **names} if names else function.__globals__
    code = function.__code__.replace()
    closure = function.__closure__
    copy = FunctionType(code, scope, function.__name__, function.__defaults__, closure)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


class Same(Undone):
    """Nothing is taken back."""

    __slots__ = ()


class Field:
    """Breakers in one contest with the real one, a control and the empty pair.

    Args:
        effort: how much is measured.
        settings: of the real one and the control.
    """

    def __init__(self, effort: Effort, settings: Settings | None = None) -> None:
        self._effort = effort
        self._stack = ExitStack()
        self._field: list[Contestant] = [empty_pair.contestant()]
        self.add(OURS, Breaker(settings))
        self.add(SAME, Same(settings))

    def add(
        self,
        name: str,
        breaker: Breaker,
        *,
        body: str = BODY,
        names: Mapping[str, Any] | None = None,
        fill: int = 1000,
    ) -> None:
        """Takes in a breaker, which is closed afterwards; the rest is as for `Subject`."""
        subject = self._stack.enter_context(Subject(breaker, fill=fill))
        self._field.append(subject.contestant(name, body, **(names or {})))

    def join(self, contestant: Contestant) -> None:
        """Takes in what is no breaker."""
        self._field.append(contestant)

    def run(self) -> Contest:
        """Measures."""
        with self._stack:
            return Contest(self._effort, self._field).run()


def compare(
    effort: Effort, undone: Mapping[str, type[Undone]], settings: Settings | None = None
) -> Contest:
    """Measures the real one, and each of `undone` by its name."""
    field = Field(effort, settings)
    for name, kind in undone.items():
        field.add(name, kind(settings))
    return field.run()
