"""Another breaker as it is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.calls.comparison import WrongStateError


@dataclass(frozen=True)
class Rival:
    """A form of calling another breaker; also the watch that looks after its state.

    Attributes:
        name: the package, and the form.
        body: one call.
        names: what `body` names.
        state: asks for the breaker's state.
        closed: what `state` says while it is closed.
        note: its version, whether it is safe under threads, and what it goes by.
        safe: whether it is safe under threads: by its source, whether it holds a lock while it
            changes what its calls share.
    """

    name: str
    body: str
    names: dict[str, object]
    state: Callable[[], object]
    closed: object
    note: str
    safe: bool = False

    def begin(self) -> None:
        """Looks at the state; see `Watch`."""
        if self.state() != self.closed:
            raise WrongStateError(f"{self.name} is {self.state()}, not {self.closed}")

    def settle(self) -> None:
        """Does nothing: none of them puts anything off."""

    def end(self, calls: int) -> None:  # noqa: ARG002 - not all of them count calls
        """Looks at the state; see `Watch`."""
        self.begin()


def attribute(of: object, name: str) -> Callable[[], object]:
    """A function that asks for an attribute."""
    return partial(getattr, of, name)
