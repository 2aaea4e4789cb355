"""What the answers hold: go-breaker's keys, and ours in the same manner."""

from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, Field, create_model

from breakerd.api.security.audit import AuditEntry
from breakerd.breaker.runtime.status import Status

Number = int | float
"""A whole number goes out without a fraction, for clients that read integers."""


class ResponseBody(BaseModel):
    """An answer."""


class ActionResult(ResponseBody):
    """What was done, in words, and the state that the breaker is in now."""

    message: str
    state: str
    triggered: bool


class DrillResult(ActionResult):
    """A drill that began, or ended."""

    drill: bool
    reason: str
    note: str
    timestamp: str


class EnabledResponse(ResponseBody):
    """Whether the breaker is enabled."""

    enabled: bool


class Message(ResponseBody):
    """What was done, in words; the value in force stands beside it."""

    message: str


class MemoryResponse(ResponseBody):
    """Percent of the memory limit."""

    memory: float = Field(examples=[80.0])


class MemoryUpdated(MemoryResponse, Message):
    """The memory threshold in force."""


class LatencyResponse(ResponseBody):
    """Milliseconds."""

    latency: Number = Field(examples=[1500])


class LatencyUpdated(LatencyResponse, Message):
    """The latency threshold in force."""


class WindowSizeResponse(ResponseBody):
    """Calls; `latency` is go-breaker's name for the same."""

    latency: int = Field(examples=[64])
    size: int = Field(examples=[64])


class WindowSizeUpdated(WindowSizeResponse, Message):
    """The window's size in force."""


class PercentileResponse(ResponseBody):
    """A fraction."""

    percentile: float = Field(examples=[0.95])


class PercentileUpdated(PercentileResponse, Message):
    """The percentile in force."""


class WaitResponse(ResponseBody):
    """Seconds."""

    wait: Number = Field(examples=[10])


class WaitUpdated(WaitResponse, Message):
    """The wait in force."""


class TrendAnalysisResponse(ResponseBody):
    """Whether trend analysis is on."""

    trend_analysis: bool


class TrendAnalysisUpdated(TrendAnalysisResponse, Message):
    """Whether trend analysis is on now."""


class MemoryUsageResponse(ResponseBody):
    """Bytes; 0 where unknown."""

    memory_usage: int


class MemoryLimitResponse(ResponseBody):
    """Bytes; -1 where there is no limit."""

    memory_limit: int


class LatenciesResponse(ResponseBody):
    """Milliseconds, oldest first."""

    latencies: list[int]


def pydantic_model(shape: type, title: str = "") -> type[BaseModel]:
    """A pydantic model of a TypedDict, which pydantic does not take itself before Python 3.12."""
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


StatusResponse = pydantic_model(Status)


class BreakerSummary(ResponseBody):
    """One breaker in the list of all; as in its status."""

    name: str
    state: str
    triggered: bool
    enabled: bool
    reason: str | None
    drill: bool
    retry_after_seconds: float


class BreakersResponse(ResponseBody):
    """The breakers of a process."""

    breakers: list[BreakerSummary]


class AuditResponse(ResponseBody):
    """Changes, newest first; `problem` says why they are not in the file, if they are not."""

    entries: list[pydantic_model(AuditEntry)]  # type: ignore[valid-type]  # made at run time
    problem: str | None


class ReloadResult(Message):
    """The file that is in force now."""

    file: str


class Health(ResponseBody):
    """The process lives."""

    status: Literal["ok"]


class Readiness(ResponseBody):
    """Whether calls may be sent here; `paging`: whether a person hears of incidents."""

    ready: bool
    paging: bool
    checks: dict[str, Literal["ok", "failing"]]
