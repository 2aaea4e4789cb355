"""A protected endpoint to try things on, and the ways to make it slow or fail.

Only there where it was asked for: it lets whoever may change things make the service look bad.
"""

import asyncio
import math
import re
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from pydantic import Field

from breakerd.api.http.admin import OperationDep
from breakerd.api.problems import INVALID, Problem, openapi_responses
from breakerd.api.schemas import requests
from breakerd.breaker.errors import BreakerOpenError
from breakerd.breaker.integrations._problem import REJECTED

JsonObject = dict[str, Any]
Scenario = Literal["high_latency", "latency_spike", "memory_overload", "errors", "reset_normal"]

SCENARIOS: Final[dict[Scenario, str]] = {
    "high_latency": "Every call takes a third longer than the latency threshold allows.",
    "latency_spike": "Every call takes longer than the one before, past the latency threshold.",
    "memory_overload": "All memory counts as used: a drill.",
    "errors": "Every call fails; that trips a breaker that has an error_threshold.",
    "reset_normal": "Calls take 100 ms and succeed, drills end, the breaker is reset.",
}

_UNITS: Final = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(us|µs|ms|s|m)")
_MAX_DELAY: Final = 60.0
"""Seconds."""


class DelayBody(requests.RequestBody):
    """How long a call is to take."""

    delay: str = Field(
        description="As '500ms', '2s', '1m', at most a minute; or 'spike'.",
        min_length=1,
        max_length=50,
        examples=["500ms"],
    )


class ScenarioBody(requests.RequestBody):
    """What is to go wrong."""

    scenario: Scenario


class Endpoint:
    """How the protected endpoint behaves."""

    def __init__(self) -> None:
        self.delay: float | None = 0.1
        """Seconds; None lets it grow from call to call."""
        self.failing = False
        self._spikes = 0

    def configure(self, delay: float | None, *, failing: bool = False) -> None:
        """Behaves so from now on."""
        self.delay, self.failing, self._spikes = delay, failing, 0

    def next_delay(self, threshold_ms: float) -> float:
        """Seconds that the next call is to take."""
        if self.delay is not None:
            return self.delay
        self._spikes += 1
        return min(_MAX_DELAY, threshold_ms / 1000 * (0.2 + self._spikes / 30))


def routes(route_class: type[APIRoute]) -> APIRouter:
    """The routes, as in go-breaker's example server, with an endpoint of their own."""
    endpoint = Endpoint()

    async def introduce(request: Request) -> None:
        request.state.endpoint = endpoint

    router = APIRouter(route_class=route_class, tags=["demo"], dependencies=[Depends(introduce)])
    router.get("/test", responses=openapi_responses(500, 503))(call_endpoint)
    router.post("/set_delay")(set_delay)
    router.post("/test/trigger", responses=openapi_responses(409))(trigger_scenario)
    router.get("/test/scenarios")(list_scenarios)
    return router


async def get_endpoint(request: Request) -> Endpoint:
    """The protected endpoint."""
    endpoint: Endpoint = request.state.endpoint
    return endpoint


EndpointDep = Annotated[Endpoint, Depends(get_endpoint)]


async def call_endpoint(operation: OperationDep, endpoint: EndpointDep) -> JsonObject:
    """A call under the protection of the breaker `default`."""
    breaker = operation.breaker
    delay = endpoint.next_delay(breaker.settings.latency_threshold)
    try:
        async with breaker.guard():
            start = breaker.clock()
            await asyncio.sleep(delay)
            if endpoint.failing:
                raise Problem(500, "The endpoint was told to fail.")
    except BreakerOpenError as error:
        raise _rejection(error) from None
    return {
        "status": "success",
        "configured_delay_ms": round(delay * 1000),
        "actual_latency_ms": round((breaker.clock() - start) * 1000),
        "breaker_status": {
            "enabled": breaker.enabled,
            "triggered": breaker.triggered,
            "memory_ok": breaker.memory_ok,
            "latency_ok": breaker.latency_ok,
        },
    }


async def set_delay(endpoint: EndpointDep, body: DelayBody) -> JsonObject:
    """Sets how long a call takes; `spike` lets it grow from call to call."""
    if body.delay == "spike":
        endpoint.configure(None, failing=endpoint.failing)
        return {"status": "success", "message": "Each call takes longer than the one before"}
    seconds = _parse_duration(body.delay)
    endpoint.configure(seconds, failing=endpoint.failing)
    milliseconds = round(seconds * 1000)
    message = f"Delay set to {milliseconds} ms"
    return {"status": "success", "delay_ms": milliseconds, "message": message}


def trigger_scenario(
    operation: OperationDep, endpoint: EndpointDep, body: ScenarioBody
) -> JsonObject:
    """Lets something go wrong, or all be well again."""
    breaker = operation.breaker
    match body.scenario:
        case "high_latency":
            endpoint.configure(min(_MAX_DELAY, breaker.settings.latency_threshold / 750))
        case "latency_spike":
            endpoint.configure(None)
        case "errors":
            endpoint.configure(0.1, failing=True)
        case "memory_overload":
            operation.operate("drill memory", breaker.drill_memory)
        case "reset_normal":
            endpoint.configure(0.1)
            operation.operate("reset", breaker.reset)
    return {
        "status": "success",
        "scenario": body.scenario,
        "description": SCENARIOS[body.scenario],
        "message": "Scenario begun",
    }


def list_scenarios() -> JsonObject:
    """What can be made to go wrong."""
    scenarios = [{"key": key, "description": words} for key, words in SCENARIOS.items()]
    return {"scenarios": scenarios, "usage": 'POST /test/trigger {"scenario": KEY}'}


def _rejection(error: BreakerOpenError) -> Problem:
    seconds = max(1, math.ceil(error.retry_after))
    return Problem(
        503, str(error), kind=REJECTED, headers={"Retry-After": str(seconds)}, reason=error.reason
    )


def _parse_duration(duration: str) -> float:
    """A duration as Go writes it."""
    parts = _PART.findall(duration)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != duration or seconds > _MAX_DELAY:
        raise Problem(
            422, f"delay: {duration!r} is not '500ms', '2s', '1m' or 'spike'", kind=INVALID
        )
    return seconds
