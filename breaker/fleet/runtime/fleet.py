"""The fleet of a process, as its owner sees it: commands to all processes, and who they are."""

import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.fleet.drift import Drift, SharedSettings
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError, MemberEntry
from breakerd.breaker.fleet.hub.store import SharedStore
from breakerd.breaker.fleet.messages import Act, Register
from breakerd.breaker.fleet.runtime.command_result import CommandResult
from breakerd.breaker.fleet.runtime.commands import FleetCommands
from breakerd.breaker.fleet.runtime.hub_report import HubReport, make_hub_report
from breakerd.breaker.fleet.runtime.identity import host_of
from breakerd.breaker.fleet.runtime.runtime import FleetRuntime
from breakerd.breaker.fleet.runtime.topics import Offer, TopicFollower
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.hub_address import HubKind
from breakerd.breaker.states import DISABLED, FORCED_OPEN, OBSERVE

_DISABLED: Final = DISABLED.value.lower()
_FORCED_OPEN: Final = FORCED_OPEN.value.lower()
_OBSERVE: Final = OBSERVE.value.lower()
_ANY: Final = "*"
_REFRESH_TIME: Final = 0.25
"""Maximum seconds that one who reads waits for an exchange."""


class SharedTopics(NamedTuple):
    """Topics of a hub of several hosts, as the last exchange found them.

    Attributes:
        store: where they are read and written.
        epoch: id of the hub's memory.
        versions: version of the newest write of each topic.
    """

    store: SharedStore
    epoch: str
    versions: Mapping[str, int]


class Fleet:
    """All processes that share breakers with this one. Thread-safe.

    A command reaches each of them, and returns after at most about 2 s with how many have done it.
    Without a hub it is done in this process. `by` is the name of whoever commands.

    Args:
        runtime: membership of this process.
        get_breaker: returns the breaker of a name.

    Example:
        >>> print(breakers.fleet.disable("payments", by="ada"))
        applied 37, waiting 2, silent 1, without this breaker 4
    """

    def __init__(self, runtime: FleetRuntime, get_breaker: Callable[[str], Breaker]) -> None:
        self._runtime = runtime
        self._get_breaker = get_breaker
        self._commands = FleetCommands(runtime)
        self.shared_settings: SharedSettings | None = None
        """Settings that hosts share; None where nobody shares them."""

    @property
    def settings(self) -> FleetSettings:
        """Settings in `[fleet]`; secrets in them are not shown."""
        return self._runtime.settings

    @property
    def in_force(self) -> bool:
        """True if this process has a hub, whether or not it answers."""
        return self._runtime.settings.address.kind is not HubKind.NONE

    def trip(
        self, breaker: str = "default", reason: str = "manual", *, by: str = ""
    ) -> CommandResult:
        """Open a breaker as a signal would; recovery follows as usual.

        Raises:
            BreakerStateError: it is disabled, or forced open.
        """
        note = "" if reason == "manual" else reason
        act = Act("", "trip", breaker, note=note, actor=by)
        return self._commands.act(self._get_breaker(breaker), act)

    def reset(self, breaker: str = "default", *, by: str = "") -> CommandResult:
        """Close a breaker, end drills, and clear the window; ends `force_open` too."""
        act = Act("", "reset", breaker, actor=by)
        return self._commands.act(self._get_breaker(breaker), act, ends_mode=_FORCED_OPEN)

    def enable(self, breaker: str = "default", *, by: str = "") -> CommandResult:
        """End the operator's mode of a breaker, and reset."""
        act = Act("", "reset", breaker, actor=by)
        return self._commands.act(self._get_breaker(breaker), act, ends_mode=_ANY)

    def disable(self, breaker: str = "default", *, by: str = "") -> CommandResult:
        """Admit every call and decide nothing, until `enable`."""
        return self._set_mode(Register(breaker, _DISABLED, actor=by))

    def force_open(
        self, breaker: str = "default", reason: str = "", *, by: str = ""
    ) -> CommandResult:
        """Reject every call until `reset` or `enable`."""
        return self._set_mode(Register(breaker, _FORCED_OPEN, note=reason, actor=by))

    def observe(self, breaker: str = "default", *, by: str = "") -> CommandResult:
        """Decide and report, but reject nothing, until `enable`: shadow mode."""
        return self._set_mode(Register(breaker, _OBSERVE, actor=by))

    def drill_latency(self, breaker: str = "default", *, by: str = "") -> CommandResult:
        """Trip a breaker by simulated slow calls, marked as a drill; see `Drills.latency`.

        Raises:
            BreakerStateError: it is closed nowhere, so that nothing would be shown.
        """
        return self._act("drill_latency", breaker, by)

    def drill_memory(self, breaker: str = "default", *, by: str = "") -> CommandResult:
        """Pretend that all memory is used, until `end_memory_drill`, `reset` or `enable`.

        Raises:
            BreakerStateError: it is disabled or forced open, so that nothing would be shown.
        """
        return self._act("drill_memory", breaker, by)

    def end_memory_drill(self, breaker: str = "default", *, by: str = "") -> CommandResult:
        """Read the real memory again; recovery then goes its usual way."""
        return self._act("end_memory_drill", breaker, by)

    def holds(self, breaker: str) -> bool:
        """Return True if this process is a member that holds the breaker: its own state counts.

        So it is where there is no fleet.
        """
        session = self._runtime.session
        return session is None or session.holds(breaker)

    def members(self) -> tuple[MemberEntry, ...]:
        """Return all processes, those that went silent lately among them; asks the hub.

        Without a hub, and while it is away, nobody is known.
        """
        session = self._runtime.session
        if session is None:
            return ()
        try:
            return session.hub.members()
        except HubUnavailableError:
            return ()

    def hub(self) -> HubReport:
        """Return where the processes meet, and whether that answers. Asks nobody."""
        return make_hub_report(self._runtime)

    def refresh(self) -> None:
        """Take what the others have published until now; waits a quarter of a second at most."""
        if self._runtime.session is not None:
            self._runtime.meet(_REFRESH_TIME)

    def shared(self) -> SharedTopics | None:
        """Return what hosts share; None without a hub of several, or while it does not answer."""
        session = self._runtime.session if self.settings.address.remote else None
        if session is None or session.alone or (view := session.view) is None:
            return None
        return SharedTopics(session.hub.store, view.epoch, dict(view.topics))

    @property
    def host(self) -> str:
        """Return the name of this host in the fleet."""
        return host_of(self.settings)

    def follow(self, follower: TopicFollower) -> None:
        """Give a follower what is in its topic, and what becomes new there."""
        self._runtime.topics.follow(follower)

    def publish(self, topic: str, key: str, value: str) -> None:
        """Write an entry for all processes, as soon as the hub answers; none without a hub.

        Raises:
            ValueError: the topic is not known, or the text is too long.
        """
        self._runtime.publish(topic, key, value)

    def offer(self, topic: str, key: str, offer: Offer) -> None:
        """Write an entry for all processes by what is there; see `Topics.offer`.

        Raises:
            ValueError: the topic is not known, or the text is too long.
        """
        self._runtime.offer(topic, key, offer)

    def drift(self) -> list[Drift]:
        """Return the settings of this host that differ from those set for all hosts; asks nobody.

        Nothing where all processes read one file.
        """
        return self.shared_settings.drift() if self.shared_settings is not None else []

    def digest(self) -> str:
        """Return the hash of this process's settings that the others see; empty without a hub."""
        session = self._runtime.session
        return session.digest if session is not None else ""

    def present_digest(self) -> str:
        """Return the hash of this process's settings as they are now; takes milliseconds."""
        return self._runtime.present_digest()

    def hub_time(self) -> float:
        """Return the hub's time in seconds, as far as it is known; else that of this host."""
        session = self._runtime.session
        return (session.hub_time() if session is not None else 0.0) or time.time()

    def exchange_soon(self) -> None:
        """Exchange with the hub at once, and return before."""
        self._runtime.exchange_soon()

    def _act(self, kind: str, breaker: str, by: str) -> CommandResult:
        return self._commands.act(self._get_breaker(breaker), Act("", kind, breaker, actor=by))

    def _set_mode(self, register: Register) -> CommandResult:
        return self._commands.set_mode(self._get_breaker(register.breaker), register)
