"""Routes for demonstrations: a protected endpoint, and routes that make it slow or fail.

Optional, because they let a client degrade the service's figures.
"""

import asyncio
import math
import re
import time
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from pydantic import Field

from breakerd.api.http.admin import OperationDep
from breakerd.api.problems import Problem, openapi_responses
from breakerd.api.schemas import requests
from breakerd.api.schemas.responses import utc_now
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.config.show_value import format_value
from breakerd.breaker.errors import BreakerOpenError, ConfigError, ConfigProblem
from breakerd.breaker.integrations.problem import REJECTED
from breakerd.breaker.runtime.status import whole

JsonObject = dict[str, Any]
Scenario = Literal["high_latency", "latency_spike", "memory_overload", "errors", "reset_normal"]

SCENARIOS: Final[dict[Scenario, str]] = {
    "high_latency": "Every call takes a third longer than the latency threshold.",
    "latency_spike": "Calls take longer and longer, until beyond the latency threshold.",
    "memory_overload": "A drill: all memory counts as used.",
    "errors": "Every call fails; this trips a breaker whose error_threshold is in force.",
    "reset_normal": "Calls take 100 ms and succeed, drills end, the breaker is reset.",
}

_SECONDS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "\u00b5s": 1e-6,  # micro sign
    "\u03bcs": 1e-6,  # Greek letter mu
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
"""Units of Go's durations."""
_NUMBER: Final = r"(\d+\.?\d*|\.\d+)"
_PART: Final = re.compile(f"{_NUMBER}({'|'.join(_SECONDS)})")
_DURATION: Final = re.compile(f"(?:{_PART.pattern})+")
_MAX_DELAY: Final = 60.0
"""Maximum delay of the endpoint in seconds."""
_SHOWN_SETTINGS: Final = (
    "memory_threshold",
    "latency_threshold",
    "latency_window_size",
    "percentile",
    "wait_time",
)
"""Settings in the status, as in go-breaker's example server."""


class DelayBody(requests.RequestBody):
    """A new delay of the endpoint."""

    delay: str = Field(
        description="'500ms', '2s', '1m0.5s', at most a minute; or 'spike'.",
        min_length=1,
        max_length=50,
        examples=["500ms"],
    )
    failure_rate: float | None = Field(
        None,
        description="Share of calls that fail after the delay. Left out: as before.",
        ge=0,
        le=1,
    )


class ScenarioBody(requests.RequestBody):
    """The scenario to start."""

    scenario: Scenario


class Endpoint:
    """Behaviour of the protected endpoint. To be used in one event loop."""

    def __init__(self) -> None:
        self.delay: float | None = 0.1
        """Seconds; None: grows from call to call."""
        self.failure_rate = 0.0
        """Share of the calls that fail, evenly spread; 0 to 1."""
        self.requests = 0
        """Calls so far, rejected ones included."""
        self.started_at = time.monotonic()
        self._spikes = 0
        self._owed_failures = 0.0

    def configure(self, delay: float | None, *, failure_rate: float = 0.0) -> None:
        """Set the delay in seconds, None for a growing one, and the share of calls that fail."""
        self.delay, self.failure_rate, self._spikes = delay, failure_rate, 0

    def next_fails(self) -> bool:
        """Return True if the next call fails."""
        self._owed_failures += self.failure_rate
        fails = self._owed_failures >= 1
        self._owed_failures -= fails
        return fails

    def next_delay(self, threshold_ms: float) -> float:
        """Return the delay of the next call in seconds."""
        if self.delay is not None:
            return self.delay
        self._spikes += 1
        return min(_MAX_DELAY, threshold_ms / 1000 * (0.2 + self._spikes / 30))


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes, as in go-breaker's example server, around a new endpoint."""
    endpoint = Endpoint()

    async def attach_endpoint(request: Request) -> None:
        request.state.endpoint = endpoint

    router = APIRouter(
        route_class=route_class, tags=["demo"], dependencies=[Depends(attach_endpoint)]
    )
    router.get("/test", responses=openapi_responses(500, 503))(call_endpoint)
    router.post("/test/delay", name="set_test_delay")(set_delay)
    router.post("/set_delay")(set_delay)  # the path of go-breaker's Ruby client
    router.post("/test/trigger", responses=openapi_responses(409))(trigger_scenario)
    router.get("/test/scenarios")(list_scenarios)
    router.get("/status")(get_server_status)
    router.get("/health", name="get_server_health")(get_server_status)
    return router


async def get_endpoint(request: Request) -> Endpoint:
    """Return the protected endpoint."""
    endpoint: Endpoint = request.state.endpoint
    return endpoint


EndpointDep = Annotated[Endpoint, Depends(get_endpoint)]


async def call_endpoint(operation: OperationDep, endpoint: EndpointDep) -> JsonObject:
    """Call the endpoint under the protection of the breaker `default`."""
    breaker = operation.breaker
    endpoint.requests += 1
    delay = endpoint.next_delay(breaker.settings.latency_threshold)
    try:
        async with breaker.guard():
            start = breaker.clock()
            await asyncio.sleep(delay)
            if endpoint.next_fails():
                raise Problem(500, "The endpoint fails, as configured.")
    except BreakerOpenError as error:
        raise _rejection(error) from None
    return {
        "status": "success",
        "configured_delay_ms": round(delay * 1000),
        "actual_latency_ms": round((breaker.clock() - start) * 1000),
        "breaker_status": _signals(breaker),
        "timestamp": utc_now(),
    }


async def set_delay(endpoint: EndpointDep, body: DelayBody) -> JsonObject:
    """Set the delay of calls; with `spike` it grows from call to call."""
    rate = endpoint.failure_rate if body.failure_rate is None else body.failure_rate
    if body.delay == "spike":
        endpoint.configure(None, failure_rate=rate)
        return {"status": "success", "message": "Each call takes longer than the one before"}
    seconds = _parse_duration(body.delay)
    endpoint.configure(seconds, failure_rate=rate)
    milliseconds = round(seconds * 1000)
    message = f"Delay set to {milliseconds} ms"
    return {"status": "success", "delay_ms": milliseconds, "message": message}


def trigger_scenario(
    operation: OperationDep, endpoint: EndpointDep, body: ScenarioBody
) -> JsonObject:
    """Start a scenario, or restore normal behaviour."""
    breaker = operation.breaker
    match body.scenario:
        case "high_latency":
            endpoint.configure(min(_MAX_DELAY, breaker.settings.latency_threshold / 750))
        case "latency_spike":
            endpoint.configure(None)
        case "errors":
            endpoint.configure(0.1, failure_rate=1.0)
        case "memory_overload":
            operation.operate("drill memory", breaker.drills.memory)
        case "reset_normal":
            endpoint.configure(0.1)
            operation.operate("reset", breaker.reset)
    return {
        "status": "success",
        "scenario": body.scenario,
        "description": SCENARIOS[body.scenario],
        "message": "Scenario started",
    }


def list_scenarios() -> JsonObject:
    """List the scenarios."""
    scenarios = [{"key": key, "description": text} for key, text in SCENARIOS.items()]
    return {"scenarios": scenarios, "usage": 'POST /test/trigger {"scenario": KEY}'}


def get_server_status(operation: OperationDep, endpoint: EndpointDep) -> JsonObject:
    """Return the status of the demonstration: the endpoint, the breaker, and who is paged."""
    settings = operation.breaker.settings
    alerting = operation.admin.alerting
    opsgenie = alerting.opsgenie_status() if alerting else {"enabled": False, "initialized": False}
    delay = endpoint.delay
    return {
        "server": {
            "status": "running",
            "current_delay_ms": None if delay is None else round(delay * 1000),
            "request_count": endpoint.requests,
            "uptime": f"{time.monotonic() - endpoint.started_at:.3f}s",
        },
        "circuit_breaker": _signals(operation.breaker),
        "configuration": {name: whole(getattr(settings, name)) for name in _SHOWN_SETTINGS},
        "opsgenie": {key: opsgenie[key] for key in ("enabled", "initialized")},
    }


def _signals(breaker: Breaker) -> JsonObject:
    return {
        "enabled": breaker.enabled,
        "triggered": breaker.triggered,
        "memory_ok": breaker.memory_ok,
        "latency_ok": breaker.latency_ok,
    }


def _rejection(error: BreakerOpenError) -> Problem:
    seconds = max(1, math.ceil(error.retry_after))
    return Problem(
        503, str(error), kind=REJECTED, headers={"Retry-After": str(seconds)}, reason=error.reason
    )


def _parse_duration(duration: str) -> float:
    """Return the seconds of a duration in Go's notation.

    Raises:
        ConfigError: it is malformed, or longer than a minute.
    """
    parts = _PART.findall(duration) if _DURATION.fullmatch(duration) else []
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if not (parts or duration == "0") or seconds > _MAX_DELAY:
        allowed = "a duration up to 1m, such as 500ms, 2s or 1m, or spike"
        problem = ConfigProblem("request", 0, "delay", format_value(duration), allowed)
        raise ConfigError([problem])
    return seconds
