"""One breaker's state: what it is, and what an operator may do to it."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from breakerd.api.http.admin import Operation, ThisOperation
from breakerd.api.problems import documented
from breakerd.api.schemas.requests import Confirmation, Why
from breakerd.api.schemas.responses import (
    Done,
    Drilled,
    EnabledAnswer,
    LatenciesAnswer,
    MemoryLimitAnswer,
    MemoryUsageAnswer,
    StatusAnswer,
)
from breakerd.breaker.runtime.status import whole


def routes(route_class: type[APIRoute]) -> APIRouter:
    """The routes, without the breaker's prefix."""
    router = APIRouter(route_class=route_class, tags=["state"])
    router.get(
        "/status",
        response_model=None,
        responses={200: {"model": StatusAnswer, "description": "All there is to know."}},
    )(get_status)
    router.get("/enabled")(get_enabled)
    router.get("/memory-usage")(get_memory_usage)
    router.get("/memory-limit")(get_memory_limit)
    router.get("/latencies-above-threshold")(get_latencies_above_threshold)
    router.post("/enabled")(enable)
    router.post("/disabled")(disable)
    router.post("/reset")(reset)
    router.post("/observe")(observe)
    router.post("/force-open")(force_open)
    router.post("/trip", responses=documented(409))(trip)
    router.post("/trigger-by-latency", responses=documented(409))(trigger_by_latency)
    router.post("/trigger-by-memory", responses=documented(409))(trigger_by_memory)
    router.post("/restore-memory-check")(restore_memory_check)
    return router


def get_status(operation: ThisOperation) -> JSONResponse:
    """State, signals, evidence, recovery and the settings that matter, at this moment."""
    return JSONResponse(operation.breaker.status())


def get_enabled(operation: ThisOperation) -> EnabledAnswer:
    """Whether the breaker decides at all."""
    return EnabledAnswer(enabled=operation.breaker.enabled)


def get_memory_usage(operation: ThisOperation) -> MemoryUsageAnswer:
    """Memory in use, page cache not counted, in bytes; 0 where unknown."""
    return MemoryUsageAnswer(memory_usage=operation.breaker.status()["memory_usage_bytes"])


def get_memory_limit(operation: ThisOperation) -> MemoryLimitAnswer:
    """The memory limit in bytes; -1 where there is none."""
    return MemoryLimitAnswer(memory_limit=operation.breaker.status()["memory_limit_bytes"])


def get_latencies_above_threshold(
    operation: ThisOperation,
    threshold: Annotated[
        float | None,
        Query(
            description="Milliseconds; the breaker's own threshold if not given.",
            ge=0,
            allow_inf_nan=False,
            examples=[1000],
        ),
    ] = None,
) -> LatenciesAnswer:
    """Latencies in the window above a threshold, in milliseconds, oldest first."""
    if threshold is None:
        threshold = operation.breaker.settings.latency_threshold
    above = operation.breaker.latencies_above(threshold)
    return LatenciesAnswer(latencies=[round(milliseconds) for milliseconds in above])


def enable(operation: ThisOperation) -> Done:
    """Ends what an operator put in force, and resets."""
    operation.operate("enable", operation.breaker.enable)
    return _done(operation, "Breaker enabled")


def disable(operation: ThisOperation) -> Done:
    """Lets everything pass and decides nothing, until enabled."""
    operation.operate("disable", operation.breaker.disable)
    return _done(operation, "Breaker disabled")


def reset(operation: ThisOperation, _body: Confirmation | None = None) -> Done:
    """Closes the breaker, ends drills, and forgets the window."""
    operation.operate("reset", operation.breaker.reset)
    return _done(operation, "Breaker reset")


def observe(operation: ThisOperation) -> Done:
    """Goes on deciding and reporting, but rejects nothing, until enabled."""
    operation.operate("observe", operation.breaker.observe)
    return _done(operation, "Breaker observes")


def force_open(operation: ThisOperation, body: Why | None = None) -> Done:
    """Rejects everything until reset or enabled."""
    reason = body.reason if body else ""
    operation.operate("force open", lambda: operation.breaker.force_open(reason), detail=reason)
    return _done(operation, "Breaker forced open")


def trip(operation: ThisOperation, body: Why | None = None) -> Done:
    """Opens the breaker as if a signal had said so; recovery goes its usual way."""
    reason = body.reason if body else "manual"
    operation.operate("trip", lambda: operation.breaker.trip(reason), detail=reason)
    return _done(operation, "Breaker tripped")


def trigger_by_latency(operation: ThisOperation) -> Drilled:
    """A drill: calls of twice the threshold, until the breaker trips by them."""
    operation.operate("drill latency", operation.breaker.drills.latency)
    used = whole(2 * operation.breaker.settings.latency_threshold)
    return _drilled(
        operation,
        "Breaker tripped by a drill of latency",
        reason="manual_latency_trigger",
        note=f"Calls of {used} ms were made up. Recovery goes its usual way, or POST reset.",
    )


def trigger_by_memory(operation: ThisOperation) -> Drilled:
    """A drill: pretends that all memory is used, until told otherwise."""
    operation.operate("drill memory", operation.breaker.drills.memory)
    return _drilled(
        operation,
        "Breaker tripped by a drill of memory",
        reason="manual_memory_trigger",
        note="POST restore-memory-check, or reset, to look at the real memory again.",
    )


def restore_memory_check(operation: ThisOperation) -> Drilled:
    """Ends a drill of memory; recovery then goes its usual way."""
    operation.operate("end memory drill", operation.breaker.drills.end_memory)
    return _drilled(
        operation,
        "The real memory counts again",
        reason="memory_check_restored",
        note="Recovery goes its usual way, or POST reset.",
    )


def _done(operation: Operation, message: str) -> Done:
    breaker = operation.breaker
    return Done(message=message, state=breaker.state.value, triggered=breaker.triggered)


def _drilled(operation: Operation, message: str, *, reason: str, note: str) -> Drilled:
    return Drilled(
        **_done(operation, message).model_dump(),
        drill=operation.breaker.status()["drill"],
        reason=reason,
        note=note,
        timestamp=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    )
