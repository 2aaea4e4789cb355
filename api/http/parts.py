"""Background parts of the process behind an admin plane: start them, tell which do not run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from breakerd.breaker.registry import Registry

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting

PARTS: Final = ("alerting", "file", "state", "ticker")
"""Parts that metrics and `/readyz` always name."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of this process that run in the background: watcher, ticker, alerting, state.

    Attributes:
        on_request: called in the event loop before each request that is served, except to
            `/healthz` and the dashboard's files. It must not block.
        not_running: returns a sentence for each part that was asked for and does not run in this
            process, by the part's name. It must not block.
    """

    on_request: Callable[[], None]
    not_running: Callable[[], Mapping[str, str]]


def parts_of(registry: Registry, alerting: "Alerting | None") -> Parts:
    """Return the parts of a process that composes registry and alerting itself."""

    def not_running() -> dict[str, str]:
        of_alerting = alerting.not_running() if alerting is not None else {}
        return {**registry.not_running(), **of_alerting}

    return Parts(registry.use, not_running)
