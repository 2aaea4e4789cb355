"""Response bodies: go-breaker's keys, and further ones in the same manner."""

import time
from datetime import UTC, datetime
from typing import (
    Any,
    Final,
    Literal,
    TypedDict,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import BaseModel, Field, create_model

from breakerd.api.schemas.shared_settings import SHARED, SharedProgress
from breakerd.api.security.audit import AuditEntry
from breakerd.breaker.runtime.status_types import Status
from breakerd.breaker.settings import Settings

Number = int | float
"""Whole numbers are sent without a fraction, for clients that read integers."""


def utc_now() -> str:
    """Return the time as in RFC 3339, in UTC, to the second."""
    return utc_time(time.time())


def utc_time(seconds: float) -> str:
    """Return seconds since the epoch as in RFC 3339, in UTC, to the second."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


class ResponseBody(BaseModel):
    """A JSON object that answers a request."""


class Message(ResponseBody):
    """One sentence on what was done; the value in force stands beside it."""

    message: str


_ALSO_CHANGES: Final = "Other breakers whose setting this has changed, as they follow the root."


class SettingChanged(Message):
    """A changed setting."""

    also_changes: list[str] | None = Field(None, description=_ALSO_CHANGES)
    shared: SharedProgress | None = Field(None, description=SHARED)


class ChangedSettings(Settings):
    """All settings in force after a change."""

    also_changes: list[str] = Field([], description=_ALSO_CHANGES)
    shared: SharedProgress | None = Field(None, description=SHARED)


class Refusal(ResponseBody):
    """A process that could not do a command, and why."""

    member: str
    reason: str


class FleetCounts(ResponseBody):
    """Number of processes of the fleet by how far a command has come there.

    `problem` says why not everybody was asked; it is empty if everybody was.
    """

    applied: int
    waiting: int
    silent: int
    without: int
    refused: list[Refusal]
    problem: str
    text: str


class CommandResponse(Message):
    """Result of an operation, the breaker's state afterwards, and how far it has come in the fleet.

    With a fleet, the state is that of most processes which hold the breaker.
    """

    state: str
    triggered: bool
    fleet: FleetCounts | None = Field(None, description="Absent for one process alone.")


class DrillResult(CommandResponse):
    """A drill that began or ended; `timestamp` in UTC, as in RFC 3339."""

    drill: bool
    timestamp: str


class MemoryDrillResult(DrillResult):
    """A memory drill that began."""

    reason: str
    note: str


class LatencyDrillResult(MemoryDrillResult):
    """A latency drill: the duration of the simulated calls in milliseconds, and their number.

    The number is that of the process that answers.
    """

    latency_used: Number
    measurements_added: int


class EndedDrillResult(DrillResult):
    """A memory drill that ended."""

    action: str
    note: str


class EnabledResponse(ResponseBody):
    """True if the breaker is enabled."""

    enabled: bool


# --- the breaker's figures


class MemoryUsageResponse(ResponseBody):
    """Bytes; 0 if unknown."""

    memory_usage: int


class MemoryLimitResponse(ResponseBody):
    """Bytes; -1 if there is no limit."""

    memory_limit: int


class LatenciesResponse(ResponseBody):
    """Milliseconds, oldest first."""

    latencies: list[int]


def pydantic_model(shape: type, title: str = "") -> type[BaseModel]:
    """Return a pydantic model of a TypedDict; pydantic itself takes one from Python 3.12 on."""
    hints = get_type_hints(shape)
    members: dict[str, Any] = {name: (_convert_hint(hint), ...) for name, hint in hints.items()}
    return create_model(title or shape.__name__, __doc__=shape.__doc__, **members)


def _convert_hint(hint: Any) -> Any:
    if is_typeddict(hint):
        return pydantic_model(hint)
    arguments = tuple(_convert_hint(argument) for argument in get_args(hint))
    if arguments == get_args(hint):
        return hint
    origin = get_origin(hint)
    if origin in (list, dict):
        return origin[arguments]
    union = arguments[0]
    for argument in arguments[1:]:
        union |= argument
    return union


class EpisodeReport(TypedDict):
    """A time of trouble of one breaker in several processes; `share` of the calls is admitted."""

    phase: str
    reason: str
    opened: str
    since: str
    share: float


class WorstReport(TypedDict):
    """A process with many failures in its window."""

    member: str
    host: str
    calls: int
    failures: int


class FleetStatus(TypedDict):
    """A breaker in all processes of the scope that hold it.

    `processes` report, `silent` ones do not. `groups` is more than 1 where settings or roles
    differ. The counts are sums over about `window_seconds`; `slow` are successful calls that took
    longer than the latency threshold.
    """

    processes: int
    silent: int
    hosts: int
    groups: int
    window_seconds: int
    calls: int
    failures: int
    slow: int
    timed_out: int
    abandoned: int
    rejected: int
    episode: EpisodeReport | None
    worst: list[WorstReport]


class AdminStatus(Status):
    """Status of a breaker, and whether a person is notified when it trips.

    `scope` says which processes state, sums and percentiles are of, and `fleet_problem` why they
    are not the fleet's; `members` is the number of processes by state. `paging_problems` says why
    nobody is paged. If somebody is, it holds what may still go wrong. `not_running` says by name
    why parts of the process do not run.
    """

    scope: str
    fleet_problem: str
    members: dict[str, int]
    fleet: FleetStatus | None
    paging: bool
    paging_problems: list[str]
    not_running: dict[str, str]


StatusResponse = pydantic_model(AdminStatus, "Status")


# --- the process


class BreakerSummary(ResponseBody):
    """One breaker in the list of all; the keys are those of its status."""

    name: str
    state: str
    triggered: bool
    enabled: bool
    reason: str | None
    drill: bool
    retry_after_seconds: float
    muted_by: str
    members: dict[str, int] = Field(
        {}, description="Number of processes by the state that their breaker has."
    )
    silent: int = Field(0, description="Processes that hold it, and do not report.")


class BreakersResponse(ResponseBody):
    """The breakers of a process or of a fleet, and whether people are paged.

    `scope` says which processes the states are of, and `fleet_problem` why they are not the
    fleet's. `muted_by` of a breaker says why nobody is paged about it in particular. `not_running`
    says by name why parts of this process do not run: `alerting`, `file`, `state`, `ticker`.
    """

    paging: bool
    paging_problems: list[str]
    not_running: dict[str, str]
    scope: str
    fleet_problem: str
    breakers: list[BreakerSummary]


class AuditResponse(ResponseBody):
    """Changes, newest first. `problem`: why the audit file cannot be written; null if it can."""

    entries: list[pydantic_model(AuditEntry)]  # type: ignore[valid-type]  # made at run time
    problem: str | None


class ReloadResult(Message):
    """The file that was applied."""

    file: str


class Health(ResponseBody):
    """The process is alive."""

    status: Literal["ok"]


class Readiness(ResponseBody):
    """Readiness for calls. `paging`: true if a person is notified of incidents.

    A check is "ok", "failing" or "not running"; that of `access` may be "risk: " and what is
    risked.
    """

    ready: bool
    paging: bool
    checks: dict[str, str]
