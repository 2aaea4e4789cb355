"""Another breaker as a candidate."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.harness.comparison import WrongStateError


@dataclass(frozen=True)
class Peer:
    """One form of calling another breaker; also the check of its state (see `StateCheck`).

    Attributes:
        name: name of the package, and of the form.
        body: source of one call.
        names: values of the names in `body`.
        state: returns the breaker's state.
        closed: result of `state` while the breaker is closed.
        note: its version, its thread-safety, and what it decides by.
        thread_safe: True if its source holds a lock while it changes what calls share.
    """

    name: str
    body: str
    names: dict[str, object]
    state: Callable[[], object]
    closed: object
    note: str
    thread_safe: bool = False

    def begin(self) -> None:
        """Verify that the breaker is closed."""
        if self.state() != self.closed:
            raise WrongStateError(f"{self.name} is {self.state()}, not {self.closed}")

    def flush(self) -> None:
        """Do nothing: no peer defers work."""

    def end(self, calls: int) -> None:  # noqa: ARG002 - not all peers count calls
        """Verify that the breaker is closed."""
        self.begin()


def attribute(of: object, name: str) -> Callable[[], object]:
    """Return a function that reads the attribute `name` of `of`."""
    return partial(getattr, of, name)
