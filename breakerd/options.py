"""Options of `Breakerd`: parts to leave out, readers, and the rules of all breakers."""

from collections.abc import Callable
from typing import Final, cast

from breakerd.breaker.guards.rules import RuleArguments
from breakerd.breaker.host.load import LoadReading


class Options(RuleArguments, total=False):
    """Options of `Breakerd`: parts to leave out, readers, and the rules of all breakers.

    Attributes:
        alerting: False: incidents are neither logged nor delivered; nobody is paged.
        config_log: False: no log is kept of the configurations in force, and temporary values are
            those of one process.
        state: False: breaker states are not kept across restarts, whatever `[api] state_file` says.
        fleet: False: each process decides alone, whatever `[fleet]` says.
        history: False: calls and events are not kept on disk, whatever `[history]` says.
        watch: False: edits of the file have no effect until it is reloaded.
        control_plane: True: without calls of its own, it shows and commands a fleet as no member.
        memory: memory reader of all breakers; see `Breaker`.
        load: load reader of all breakers; see `Breaker`.
    """

    alerting: bool
    config_log: bool
    state: bool
    fleet: bool
    history: bool
    watch: bool
    control_plane: bool
    memory: Callable[[], float | None] | None
    load: Callable[[], LoadReading] | None


DEFAULTS: Final = {
    "alerting": True,
    "config_log": True,
    "state": True,
    "fleet": True,
    "history": True,
    "watch": True,
    "control_plane": False,
}
OTHERS: Final = tuple(Options.__annotations__.keys() - RuleArguments.__annotations__.keys())


def rules_of(options: Options) -> RuleArguments:
    """Return the options that are rules.

    Raises:
        TypeError: an option is unknown.
    """
    allowed = Options.__annotations__.keys()
    if unknown := sorted(options.keys() - allowed):
        raise TypeError(
            f"Breakerd: found unknown option {', '.join(unknown)}; "
            f"allowed: {', '.join(sorted(allowed))}"
        )
    rules = {key: options[key] for key in options if key not in OTHERS}  # type: ignore[literal-required]  # its own keys
    return cast("RuleArguments", rules)
