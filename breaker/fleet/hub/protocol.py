"""Protocol of a hub: one operation an exchange, and a few for those who command or look."""

from typing import Final, NamedTuple, Protocol

from breakerd.breaker.fleet.hub.store import SharedStore
from breakerd.breaker.fleet.messages import Act, MemberInfo, PoolView, Register, Report, View

TOO_LATE: Final = "the command came too late: the hub was stopped, or hangs"


class HubUnavailableError(ConnectionError):
    """The hub cannot be reached, or did not answer in time."""


class Progress(NamedTuple):
    """Progress of a command.

    Attributes:
        applied: members that have done it.
        waiting: members that have not told yet.
        silent: members that hold the breaker and have not reported for some intervals.
        without: members that do not hold the breaker.
        refused: (member, reason) of those that could not do it.
        states: (state, number of members that report it) of those that hold the breaker.
    """

    applied: int
    waiting: int
    silent: int
    without: int
    refused: tuple[tuple[str, str], ...] = ()
    states: tuple[tuple[str, int], ...] = ()

    @property
    def has_holders(self) -> bool:
        """True if there is a member that holds the breaker."""
        return bool(self.applied or self.waiting or self.silent or self.refused)


class MemberEntry(NamedTuple):
    """A member as the hub knows it.

    Attributes:
        info: facts of the process.
        age: seconds since its last report.
        silent: True if that is longer than some intervals.
        breakers: (pool, state) of each breaker.
    """

    info: MemberInfo
    age: float
    silent: bool
    breakers: tuple[tuple[str, str], ...]


class Hub(Protocol):
    """Where members meet. Each method is one round trip, done as a whole or not at all.

    All raise `HubUnavailableError` where the hub cannot be reached. An `exchange` that was done,
    but whose answer is lost, may be repeated as it is, or followed by a later report.
    """

    @property
    def store(self) -> SharedStore:
        """Topics and leases that outlast a window."""
        ...

    def exchange(self, report: Report) -> View:
        """Take a member's report; return its view."""
        ...

    def set_mode(self, register: Register) -> Register:
        """Set an operator's mode of a breaker; return it with epoch and hub time filled in.

        Its `at` is the hub time at which it is sent, as this process reckons, or 0: a hub that
        takes it long after that refuses it.
        """
        ...

    def act(self, act: Act) -> Act:
        """Give an act to all members that are there; return it with the hub time filled in.

        Its `at` is as that of `set_mode`.
        """
        ...

    def progress(self, breaker: str, command: str) -> Progress:
        """Return how far the act, or the mode, with the id `command` has come."""
        ...

    def members(self) -> tuple[MemberEntry, ...]:
        """Return all members, those that went silent lately among them; not who left in order."""
        ...

    def pool(self, name: str, scope: str) -> tuple[PoolView, tuple[int, ...]]:
        """Return the sums of one scope of one pool, and the merged sketch of durations."""
        ...
