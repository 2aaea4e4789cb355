"""What the answers hold: go-breaker's keys, and ours in the same manner."""

from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, Field, create_model

from breakerd.api.security.audit import AuditEntry
from breakerd.breaker.runtime.report import Status

Number = int | float
"""A whole number goes out without a fraction, for clients that read integers."""


class Answer(BaseModel):
    """An answer."""


class Done(Answer):
    """What was done, in words, and the state that the breaker is in now."""

    message: str
    state: str
    triggered: bool


class Drilled(Done):
    """A drill that began, or ended."""

    drill: bool
    reason: str
    note: str
    timestamp: str


class EnabledAnswer(Answer):
    """Whether the breaker is enabled."""

    enabled: bool


class Said(Answer):
    """What was done, in words; the value in force stands beside it."""

    message: str


class MemoryAnswer(Answer):
    """Percent of the memory limit."""

    memory: float = Field(examples=[80.0])


class MemorySet(MemoryAnswer, Said):
    """The memory threshold in force."""


class LatencyAnswer(Answer):
    """Milliseconds."""

    latency: Number = Field(examples=[1500])


class LatencySet(LatencyAnswer, Said):
    """The latency threshold in force."""


class WindowAnswer(Answer):
    """Calls; `latency` is go-breaker's name for the same."""

    latency: int = Field(examples=[64])
    size: int = Field(examples=[64])


class WindowSet(WindowAnswer, Said):
    """The window's size in force."""


class PercentileAnswer(Answer):
    """A fraction."""

    percentile: float = Field(examples=[0.95])


class PercentileSet(PercentileAnswer, Said):
    """The percentile in force."""


class WaitAnswer(Answer):
    """Seconds."""

    wait: Number = Field(examples=[10])


class WaitSet(WaitAnswer, Said):
    """The wait in force."""


class TrendAnswer(Answer):
    """Whether trend analysis is on."""

    trend_analysis: bool


class TrendSet(TrendAnswer, Said):
    """Whether trend analysis is on now."""


class MemoryUsageAnswer(Answer):
    """Bytes; 0 where unknown."""

    memory_usage: int


class MemoryLimitAnswer(Answer):
    """Bytes; -1 where there is no limit."""

    memory_limit: int


class LatenciesAnswer(Answer):
    """Milliseconds, oldest first."""

    latencies: list[int]


def model_of(shape: type, title: str = "") -> type[BaseModel]:
    """A pydantic model of a TypedDict, which pydantic does not take itself before Python 3.12."""
    hints = get_type_hints(shape)
    members: dict[str, Any] = {name: (_modelled(hint), ...) for name, hint in hints.items()}
    return create_model(title or shape.__name__, __doc__=shape.__doc__, **members)


def _modelled(hint: Any) -> Any:
    if is_typeddict(hint):
        return model_of(hint)
    arguments = tuple(_modelled(argument) for argument in get_args(hint))
    if arguments == get_args(hint):
        return hint
    origin = get_origin(hint)
    if origin in (list, dict):
        return origin[arguments]
    union = arguments[0]
    for argument in arguments[1:]:
        union |= argument
    return union


StatusAnswer = model_of(Status)


class BreakerSummary(Answer):
    """One breaker in the list of all; as in its status."""

    name: str
    state: str
    triggered: bool
    enabled: bool
    reason: str | None
    drill: bool
    retry_after_seconds: float


class BreakersAnswer(Answer):
    """The breakers of a process."""

    breakers: list[BreakerSummary]


class AuditAnswer(Answer):
    """Changes, newest first; `problem` says why they are not in the file, if they are not."""

    entries: list[model_of(AuditEntry)]  # type: ignore[valid-type]  # made at run time
    problem: str | None


class Reloaded(Said):
    """The file that is in force now."""

    file: str


class Health(Answer):
    """The process lives."""

    status: Literal["ok"]


class Readiness(Answer):
    """Whether calls may be sent here; `paging`: whether a person hears of incidents."""

    ready: bool
    paging: bool
    checks: dict[str, Literal["ok", "failing"]]
