"""Tools whose output is known by its names, and with it what their values mean.

What a name alone would be guessed at wrongly stands here, from each tool's documentation: the unit
of the duration, and whether the time is that of the start.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

NANO, MICRO, MILLI, SECOND = 1e-9, 1e-6, 1e-3, 1.0


@dataclass(frozen=True, slots=True)
class Tool:
    """Names that a tool writes, in snake case; those of nested objects joined by `_`.

    Attributes:
        name: the tool.
        marks: the names by which it is known; the duration's, start's and end's belong to them.
        duration: name of the duration.
        unit: its unit in seconds.
        start: name of the time at which a call began.
        end: name of the time at which it ended, where there is no start.
        outcomes: names of the outcome, the best first.
        only: a name, and the value that it has in the rows that are calls.
    """

    name: str
    marks: frozenset[str]
    duration: str
    unit: float
    start: str | None = None
    end: str | None = None
    outcomes: tuple[str, ...] = ()
    only: tuple[str, str] | None = None


def find_tool(names: Iterable[str]) -> Tool | None:
    """Return the tool that writes these names; None if it is unknown."""
    known = frozenset(names)
    return next((tool for tool in _TOOLS if _written(tool) <= known), None)


def implied_header(cells: list[str]) -> list[str] | None:
    """Return the names of the columns of a table that has no header; None if it is unknown."""
    if len(cells) < 9 or not cells[0].isdecimal():
        return None
    digits = len(cells[0])
    if digits >= 18 and cells[1].isdecimal() and cells[2].isdecimal():
        return [*_VEGETA_COLUMNS, *_numbered(cells)][: len(cells)]
    if digits == 13 and cells[1].isdecimal() and cells[7] in {"true", "false"}:
        return [*_JMETER_COLUMNS, *_numbered(cells)][: len(cells)]
    return None


def _numbered(cells: list[str]) -> list[str]:
    return [f"column {place}" for place in range(1, len(cells) + 1)]


def _written(tool: Tool) -> frozenset[str]:
    own = {tool.duration, tool.start, tool.end, tool.only[0] if tool.only else None}
    return tool.marks | {name for name in own if name is not None}


_STATUS: Final = ("status",)
_TRAEFIK: Final = frozenset({"downstream_status"})
_JMETER_OUTCOMES: Final = ("success", "response_code")
_ECS_OUTCOMES: Final = ("http_response_status_code", "event_outcome")
_K6_CALLS: Final = "http_req_duration"
_NO_MARKS: Final[frozenset[str]] = frozenset()

_TOOLS: Final = (
    Tool(
        "vegeta", frozenset({"attack", "seq", "code"}), "latency", NANO,
        start="timestamp", outcomes=("code",),
    ),
    Tool("Traefik", _TRAEFIK, "duration", NANO, start="start_utc", outcomes=tuple(_TRAEFIK)),
    Tool("Traefik", _TRAEFIK, "duration", NANO, start="start_local", outcomes=tuple(_TRAEFIK)),
    Tool("Traefik", _TRAEFIK, "duration", NANO, end="time", outcomes=tuple(_TRAEFIK)),
    Tool(
        "Caddy", frozenset({"logger", "status", "request_method"}), "duration", SECOND,
        end="ts", outcomes=_STATUS,
    ),
    Tool(
        "Envoy", frozenset({"response_flags"}), "duration", MILLI,
        start="start_time", outcomes=("response_code",),
    ),
    Tool(
        "pino-http", frozenset({"level", "res_status_code"}), "response_time", MILLI,
        end="time", outcomes=("res_status_code",),
    ),
    Tool(
        "k6", frozenset({"type"}), "data_value", MILLI,
        end="data_time", outcomes=("data_tags_status",), only=("metric", _K6_CALLS),
    ),
    Tool(
        "k6", frozenset({"status"}), "metric_value", MILLI,
        end="timestamp", outcomes=_STATUS, only=("metric_name", _K6_CALLS),
    ),
    Tool("JMeter", _NO_MARKS, "elapsed", MILLI, start="time_stamp", outcomes=_JMETER_OUTCOMES),
    Tool(
        "JMeter", frozenset({"label", "response_code"}), "elapsed", MILLI,
        start="timestamp", outcomes=_JMETER_OUTCOMES,
    ),
    Tool(
        "hey", frozenset({"dns_dialup", "status_code"}), "response_time", SECOND,
        start="offset", outcomes=("status_code",),
    ),
    Tool("ab", frozenset({"ctime", "dtime", "wait"}), "ttime", MILLI, start="seconds"),
    Tool(
        "the Elastic Common Schema", _NO_MARKS, "event_duration", NANO,
        start="event_start", outcomes=_ECS_OUTCOMES,
    ),
    Tool(
        "the Elastic Common Schema", _NO_MARKS, "event_duration", NANO,
        end="timestamp", outcomes=_ECS_OUTCOMES,
    ),
    Tool(
        "Google Cloud", _NO_MARKS, "http_request_latency", SECOND,
        start="timestamp", outcomes=("http_request_status",),
    ),
)  # fmt: skip

_VEGETA_COLUMNS: Final = (
    "timestamp", "code", "latency", "bytes_out", "bytes_in", "error", "body", "attack", "seq",
    "method", "url", "headers",
)  # fmt: skip
_JMETER_COLUMNS: Final = (
    "timeStamp", "elapsed", "label", "responseCode", "responseMessage", "threadName", "dataType",
    "success", "failureMessage",
)  # fmt: skip
