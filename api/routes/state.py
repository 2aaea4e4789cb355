"""Routes for one breaker's state: read it, and operate the breaker."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.routing import APIRoute
from pydantic import FiniteFloat

from breakerd.api.http.admin import BreakerOperation, OperationDep
from breakerd.api.json_response import JSONResponse
from breakerd.api.problems import openapi_responses
from breakerd.api.schemas.requests import Confirm, ReasonBody
from breakerd.api.schemas.responses import (
    CommandResponse,
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
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.drills import Drills
from breakerd.breaker.fleet.runtime.command_result import CommandResult
from breakerd.breaker.fleet.runtime.fleet import Fleet
from breakerd.breaker.runtime.status import whole
from breakerd.breaker.states import REJECTING

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
    conflict: Any = {"responses": openapi_responses(409), **brief}
    router.post("/trip", **conflict)(trip)
    router.post("/trigger-by-latency", **conflict)(trigger_by_latency)
    router.post("/trigger-by-memory", **conflict)(trigger_by_memory)
    router.post("/restore-memory-check", **brief)(restore_memory_check)
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
    return _ENABLE.respond(operation, scope)


def disable(operation: OperationDep, scope: Scope = "fleet") -> CommandResponse:
    """Let every call pass and decide nothing, until enabled."""
    return _DISABLE.respond(operation, scope)


def reset(
    operation: OperationDep, _body: Confirm | None = None, scope: Scope = "fleet"
) -> CommandResponse:
    """Close the breaker, end drills, and clear the window."""
    return _RESET.respond(operation, scope)


def observe(operation: OperationDep, scope: Scope = "fleet") -> CommandResponse:
    """Decide and report, but reject nothing, until enabled."""
    return _OBSERVE.respond(operation, scope)


def force_open(
    operation: OperationDep, body: ReasonBody | None = None, scope: Scope = "fleet"
) -> CommandResponse:
    """Reject every call until reset or enabled."""
    return _FORCE_OPEN.respond(operation, scope, body.reason if body else "")


def trip(
    operation: OperationDep, body: ReasonBody | None = None, scope: Scope = "fleet"
) -> CommandResponse:
    """Open the breaker as a signal would; recovery follows as usual."""
    return _TRIP.respond(operation, scope, body.reason if body else "manual")


def trigger_by_latency(operation: OperationDep, scope: Scope = "fleet") -> LatencyDrillResult:
    """Start a drill: report calls of twice the slow limit until the breaker trips."""
    drills = operation.breaker.drills
    before = drills.simulated_calls
    done = _DRILL_LATENCY.respond(operation, scope)
    used = whole(round(2000 * operation.breaker.settings.slow_after, 3))
    return LatencyDrillResult(
        **_drill_result(operation, done, begins=True),
        reason="manual_latency_trigger",
        latency_used=used,
        measurements_added=drills.simulated_calls - before,
        note=f"Calls of {used} ms were simulated. Recovery follows as usual, or POST reset.",
    )


def trigger_by_memory(operation: OperationDep, scope: Scope = "fleet") -> MemoryDrillResult:
    """Start a drill: treat all memory as used until the drill is ended."""
    done = _DRILL_MEMORY.respond(operation, scope)
    return MemoryDrillResult(
        **_drill_result(operation, done, begins=True),
        reason="manual_memory_trigger",
        note="POST restore-memory-check, or reset, to check the real memory again.",
    )


def restore_memory_check(operation: OperationDep, scope: Scope = "fleet") -> EndedDrillResult:
    """End a memory drill; recovery follows as usual."""
    done = _END_MEMORY_DRILL.respond(operation, scope)
    return EndedDrillResult(
        **_drill_result(operation, done, begins=False),
        action="memory_check_restored",
        note="Recovery follows as usual, or POST reset.",
    )


@dataclass(frozen=True, slots=True)
class _Command:
    """Command of an operator, to all processes or to the one that answers.

    Attributes:
        action: its name in the audit log.
        message: what was done, for the answer.
        everywhere: method of `Fleet`; given the breaker's name, a reason if there is one, and `by`.
        here: the same for the breaker of this process; given the reason and `by`.
    """

    action: str
    message: str
    everywhere: Callable[..., CommandResult]
    here: Callable[..., object]

    def respond(
        self, operation: BreakerOperation, scope: str, reason: str | None = None
    ) -> CommandResponse:
        """Give the command to all processes; where there is no fleet, or by its scope, only here.

        Args:
            operation: breaker and client.
            scope: `fleet` or `process`.
            reason: the operator's words; None for a command without.
        """
        breaker, by = operation.breaker, operation.actor.by
        words, detail = ((), "") if reason is None else ((reason,), reason)
        result = None
        if scope == "fleet":
            result = operation.command(
                self.action,
                lambda fleet: self.everywhere(fleet, breaker.name, *words, by=by),
                detail=detail,
            )
        if result is None:
            here = partial(self.here, breaker, *words, by=by)
            operation.operate(self.action, here, detail=detail)
        state = (result.state if result else None) or breaker.state
        return CommandResponse(
            message=self.message,
            state=state.value,
            triggered=state in REJECTING,
            fleet=_counts(result) if result else None,
        )


def _drill_here(drill: Callable[[Drills], object], breaker: Breaker, *, by: str) -> None:
    """Do a drill in this process, which keeps no name of who began it: the audit has it."""
    del by
    drill(breaker.drills)


_ENABLE: Final = _Command("enable", "Breaker enabled", Fleet.enable, Breaker.enable)
_DISABLE: Final = _Command("disable", "Breaker disabled", Fleet.disable, Breaker.disable)
_RESET: Final = _Command("reset", "Breaker reset", Fleet.reset, Breaker.reset)
_OBSERVE: Final = _Command("observe", "Breaker observes", Fleet.observe, Breaker.observe)
_FORCE_OPEN: Final = _Command(
    "force open", "Breaker forced open", Fleet.force_open, Breaker.force_open
)
_TRIP: Final = _Command("trip", "Breaker tripped", Fleet.trip, Breaker.trip)
_DRILL_LATENCY: Final = _Command(
    "drill latency",
    "Breaker tripped by a latency drill",
    Fleet.drill_latency,
    partial(_drill_here, Drills.latency),
)
_DRILL_MEMORY: Final = _Command(
    "drill memory",
    "Breaker tripped by a memory drill",
    Fleet.drill_memory,
    partial(_drill_here, Drills.memory),
)
_END_MEMORY_DRILL: Final = _Command(
    "end memory drill",
    "Memory drill ended: the real memory is checked again",
    Fleet.end_memory_drill,
    partial(_drill_here, Drills.end_memory),
)


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


def _drill_result(
    operation: BreakerOperation, done: CommandResponse, *, begins: bool
) -> dict[str, Any]:
    """Return what all answers to drills have; `drill` is of the others, if none is here."""
    here = operation.breaker.status()["drill"]
    elsewhere = begins and not operation.holds and done.fleet is not None and done.fleet.applied > 0
    return {**done.model_dump(), "drill": here or elsewhere, "timestamp": utc_now()}
