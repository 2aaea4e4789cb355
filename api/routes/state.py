"""Routes for one breaker's state: read it, and operate the breaker."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.routing import APIRoute
from pydantic import FiniteFloat

from breakerd.api.http.admin import BreakerOperation, OperationDep
from breakerd.api.json_response import JSONResponse
from breakerd.api.problems import openapi_responses
from breakerd.api.schemas.requests import Confirm, ReasonBody
from breakerd.api.schemas.responses import (
    ActionResult,
    CommandResponse,
    DrillResult,
    EnabledResponse,
    EndedDrillResult,
    FleetCounts,
    LatenciesResponse,
    LatencyDrillResult,
    MemoryDrillResult,
    MemoryLimitResponse,
    MemoryUsageResponse,
    Refusal,
    StatusResponse,
    utc_now,
)
from breakerd.api.scopes.scope import ScopeQuery
from breakerd.api.scopes.status import scoped_status
from breakerd.breaker.fleet.runtime.command_result import CommandResult
from breakerd.breaker.fleet.runtime.fleet import Fleet
from breakerd.breaker.runtime.status import whole

Scope = Annotated[
    Literal["fleet", "process"],
    Query(description="All processes of the fleet, or only the one that answers."),
]


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes, without the breaker's prefix."""
    router = APIRouter(route_class=route_class, tags=["state"])
    router.get(
        "/status",
        response_model=None,
        responses={200: {"model": StatusResponse, "description": "The status."}},
    )(get_status)
    router.get("/enabled")(get_enabled)
    router.get("/memory-usage")(get_memory_usage)
    router.get("/memory-limit")(get_memory_limit)
    router.get("/latencies-above-threshold")(get_latencies_above_threshold)
    brief: Any = {"response_model_exclude_none": True}
    router.post("/enabled", **brief)(enable)
    router.post("/disabled", **brief)(disable)
    router.post("/reset", **brief)(reset)
    router.post("/observe", **brief)(observe)
    router.post("/force-open", **brief)(force_open)
    router.post("/trip", responses=openapi_responses(409), **brief)(trip)
    router.post("/trigger-by-latency", responses=openapi_responses(409))(trigger_by_latency)
    router.post("/trigger-by-memory", responses=openapi_responses(409))(trigger_by_memory)
    router.post("/restore-memory-check")(restore_memory_check)
    return router


def get_status(operation: OperationDep, scope: ScopeQuery = None) -> JSONResponse:
    """Return state, signals, evidence, recovery, settings, and what does not run or page anyone."""
    breaker = operation.breaker
    admin = operation.admin
    return JSONResponse(
        {
            **scoped_status(admin, breaker, scope),
            **admin.paging(breaker.name),
            "not_running": admin.not_running(),
        }
    )


def get_enabled(operation: OperationDep) -> EnabledResponse:
    """Return whether the breaker decides at all."""
    return EnabledResponse(enabled=operation.breaker.enabled)


def get_memory_usage(operation: OperationDep) -> MemoryUsageResponse:
    """Return the memory in use in bytes, without page cache; 0 if unknown."""
    return MemoryUsageResponse(memory_usage=operation.breaker.status()["memory_usage_bytes"])


def get_memory_limit(operation: OperationDep) -> MemoryLimitResponse:
    """Return the memory limit in bytes; -1 if there is none."""
    return MemoryLimitResponse(memory_limit=operation.breaker.status()["memory_limit_bytes"])


def get_latencies_above_threshold(
    operation: OperationDep,
    threshold: Annotated[
        FiniteFloat | None,  # before 0.115, FastAPI overlooks allow_inf_nan
        Query(
            description="Milliseconds; the breaker's own threshold if omitted.",
            ge=0,
            examples=[1000],
        ),
    ] = None,
) -> LatenciesResponse:
    """Return the latencies in the window above a threshold, in milliseconds, oldest first."""
    if threshold is None:
        threshold = operation.breaker.settings.latency_threshold
    above = operation.breaker.latencies_above(threshold)
    return LatenciesResponse(latencies=[round(milliseconds) for milliseconds in above])


def enable(operation: OperationDep, scope: Scope = "fleet") -> CommandResponse:
    """End an operator's override, and reset."""
    name, by = operation.breaker.name, operation.actor.by
    command = _Command("enable", partial(Fleet.enable, breaker=name, by=by), scope)
    result = command.run(operation, partial(operation.breaker.enable, by=by))
    return _command_response(operation, "Breaker enabled", result)


def disable(operation: OperationDep, scope: Scope = "fleet") -> CommandResponse:
    """Let every call pass and decide nothing, until enabled."""
    name, by = operation.breaker.name, operation.actor.by
    command = _Command("disable", partial(Fleet.disable, breaker=name, by=by), scope)
    result = command.run(operation, partial(operation.breaker.disable, by=by))
    return _command_response(operation, "Breaker disabled", result)


def reset(
    operation: OperationDep, _body: Confirm | None = None, scope: Scope = "fleet"
) -> CommandResponse:
    """Close the breaker, end drills, and clear the window."""
    name, by = operation.breaker.name, operation.actor.by
    command = _Command("reset", partial(Fleet.reset, breaker=name, by=by), scope)
    result = command.run(operation, partial(operation.breaker.reset, by=by))
    return _command_response(operation, "Breaker reset", result)


def observe(operation: OperationDep, scope: Scope = "fleet") -> CommandResponse:
    """Decide and report, but reject nothing, until enabled."""
    name, by = operation.breaker.name, operation.actor.by
    command = _Command("observe", partial(Fleet.observe, breaker=name, by=by), scope)
    result = command.run(operation, partial(operation.breaker.observe, by=by))
    return _command_response(operation, "Breaker observes", result)


def force_open(
    operation: OperationDep, body: ReasonBody | None = None, scope: Scope = "fleet"
) -> CommandResponse:
    """Reject every call until reset or enabled."""
    name, by = operation.breaker.name, operation.actor.by
    reason = body.reason if body else ""
    everywhere = partial(Fleet.force_open, breaker=name, reason=reason, by=by)
    command = _Command("force open", everywhere, scope, reason)
    result = command.run(operation, partial(operation.breaker.force_open, reason, by=by))
    return _command_response(operation, "Breaker forced open", result)


def trip(
    operation: OperationDep, body: ReasonBody | None = None, scope: Scope = "fleet"
) -> CommandResponse:
    """Open the breaker as a signal would; recovery follows as usual."""
    name, by = operation.breaker.name, operation.actor.by
    reason = body.reason if body else "manual"
    everywhere = partial(Fleet.trip, breaker=name, reason=reason, by=by)
    command = _Command("trip", everywhere, scope, reason)
    result = command.run(operation, partial(operation.breaker.trip, reason, by=by))
    return _command_response(operation, "Breaker tripped", result)


def trigger_by_latency(operation: OperationDep) -> LatencyDrillResult:
    """Start a drill: report calls of twice the slow limit until the breaker trips."""
    recorded = operation.operate("drill latency", operation.breaker.drills.latency)
    used = whole(round(2000 * operation.breaker.settings.slow_after, 3))
    return LatencyDrillResult(
        **_drill_result(operation, "Breaker tripped by a latency drill").model_dump(),
        reason="manual_latency_trigger",
        latency_used=used,
        measurements_added=recorded,
        note=f"Calls of {used} ms were simulated. Recovery follows as usual, or POST reset.",
    )


def trigger_by_memory(operation: OperationDep) -> MemoryDrillResult:
    """Start a drill: treat all memory as used until the drill is ended."""
    operation.operate("drill memory", operation.breaker.drills.memory)
    return MemoryDrillResult(
        **_drill_result(operation, "Breaker tripped by a memory drill").model_dump(),
        reason="manual_memory_trigger",
        note="POST restore-memory-check, or reset, to check the real memory again.",
    )


def restore_memory_check(operation: OperationDep) -> EndedDrillResult:
    """End a memory drill; recovery follows as usual."""
    operation.operate("end memory drill", operation.breaker.drills.end_memory)
    message = "Memory drill ended: the real memory is checked again"
    return EndedDrillResult(
        **_drill_result(operation, message).model_dump(),
        action="memory_check_restored",
        note="Recovery follows as usual, or POST reset.",
    )


@dataclass(frozen=True, slots=True)
class _Command:
    """Command of an operator, to all processes or to one."""

    action: str
    everywhere: Callable[[Fleet], CommandResult]
    scope: str
    detail: str = ""

    def run(self, operation: BreakerOperation, here: Callable[[], None]) -> CommandResult | None:
        """Give the command to all processes; where there is no fleet, or by its scope, only here.

        Return how far it has come in the fleet; None without one.
        """
        result = None
        if self.scope == "fleet":
            result = operation.command(self.action, self.everywhere, detail=self.detail)
        if result is None:
            operation.operate(self.action, here, detail=self.detail)
        return result


def _action_result(operation: BreakerOperation, message: str) -> ActionResult:
    breaker = operation.breaker
    return ActionResult(message=message, state=breaker.state.value, triggered=breaker.triggered)


def _command_response(
    operation: BreakerOperation, message: str, result: CommandResult | None
) -> CommandResponse:
    done = _action_result(operation, message).model_dump()
    return CommandResponse(**done, fleet=_counts(result) if result else None)


def _counts(result: CommandResult) -> FleetCounts:
    return FleetCounts(
        applied=result.applied,
        waiting=result.waiting,
        silent=result.silent,
        without=result.without,
        refused=[Refusal(member=member, reason=reason) for member, reason in result.refused],
        problem=result.problem,
        text=str(result),
    )


def _drill_result(operation: BreakerOperation, message: str) -> DrillResult:
    return DrillResult(
        **_action_result(operation, message).model_dump(),
        drill=operation.breaker.status()["drill"],
        timestamp=utc_now(),
    )
