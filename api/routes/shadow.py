"""Routes about the candidate in a breaker's shadow: compare, drop, promote, promise."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from breakerd.api.http.admin import BreakerOperation, OperationDep
from breakerd.api.json_response import JSONResponse
from breakerd.api.problems import NO_CANDIDATE, Problem, openapi_responses
from breakerd.api.schemas.responses import Message
from breakerd.api.schemas.shadow import (
    DroppedResponse,
    PromoteBody,
    PromoteResponse,
    ShadowResponse,
)
from breakerd.breaker.config.sections import CANDIDATE
from breakerd.breaker.errors import BreakerStateError
from breakerd.breaker.promotion.condition import Condition, parse_condition
from breakerd.breaker.promotion.promote import (
    candidate_values,
    check_condition,
    promotion,
)

if TYPE_CHECKING:
    from breakerd.breaker.promotion.keeper import Keeper
    from breakerd.breaker.shadow.report import ShadowReport

_NO_KEEPER = "This process keeps no promises; promote without `after_seconds`."


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes, without the breaker's prefix."""
    router = APIRouter(route_class=route_class, tags=["shadow"])
    found: Any = {200: {"model": ShadowResponse, "description": "The comparison."}}
    router.get("/shadow", response_model=None, responses=found | openapi_responses(404))(get_shadow)
    brief: Any = {"response_model_exclude_none": True}
    refused: Any = {"responses": openapi_responses(404, 409, 503), **brief}
    router.post("/shadow/drop", **refused)(drop_shadow)
    router.post("/promote", **refused)(promote)
    router.post("/promote/cancel", **refused)(cancel_promotion)
    return router


def get_shadow(operation: OperationDep) -> JSONResponse:
    """Return what the candidate would have done, in all processes of the host."""
    return JSONResponse(_report(operation))


def drop_shadow(operation: OperationDep) -> DroppedResponse:
    """Remove the candidate from the file; the settings in force stay."""
    report = _report(operation)
    outcome = operation.change({CANDIDATE: None}, action="drop candidate")
    return DroppedResponse(
        message="Candidate dropped", summary=report["summary"], **outcome.shared.as_json()
    )


def promote(operation: OperationDep, body: PromoteBody | None = None) -> PromoteResponse:
    """Make the candidate's settings those in force, now or later, if a condition is true then."""
    wanted = body or PromoteBody()
    condition = parse_condition(wanted.condition)
    values = candidate_values(operation.admin.registry, operation.breaker.name)
    summary = _report(operation)["summary"]
    if wanted.after_seconds:
        return _promise(operation, wanted.after_seconds, condition, values, summary)
    check_condition(operation.breaker, condition)
    outcome = _with_reason(operation).change(promotion(values), action="promote candidate")
    return PromoteResponse(
        message="Candidate promoted",
        promoted=True,
        settings=values,
        summary=summary,
        also_changes=list(outcome.also_changes),
        **outcome.shared.as_json(),
    )


def _with_reason(operation: BreakerOperation) -> BreakerOperation:
    """Return the operation with a reason for the log of configurations, if none was given."""
    actor = operation.actor
    if actor.reason:
        return operation
    reason = f"promote candidate of {operation.breaker.name}"
    return replace(operation, actor=replace(actor, reason=reason))


def cancel_promotion(operation: OperationDep) -> Message:
    """Take back the promise to promote the candidate; the candidate stays."""
    keeper = _keeper(operation)
    actor = operation.actor
    with operation.admin.audited(
        actor,
        "take back promise to promote",
        snapshot=dict,
        breaker=operation.breaker.name,
    ) as before:
        promise = keeper.take_back(operation.breaker.name, actor.by)
        before["promise"] = dict(promise.report(promise.made))
    return Message(message="Promise taken back; the candidate stays")


def _promise(
    operation: BreakerOperation,
    seconds: float,
    condition: Condition,
    values: dict[str, object],
    summary: str,
) -> PromoteResponse:
    keeper, actor, name = _keeper(operation), operation.actor, operation.breaker.name
    made: dict[str, object] = {}
    with operation.admin.audited(
        actor, "promise to promote", snapshot=partial(dict, made), breaker=name
    ):
        promise = keeper.promise(name, seconds, condition, actor.by)
        report = promise.report(promise.made)
        made["promise"] = dict(report)
    return PromoteResponse(
        message="Promotion promised",
        promoted=False,
        promise=report,
        settings=values,
        summary=summary,
    )


def _report(operation: BreakerOperation) -> "ShadowReport":
    keeper = operation.admin.keeper
    if keeper is not None:
        keeper.look()
    report = operation.breaker.shadow()
    if report is None:
        name = operation.breaker.name
        raise Problem(404, f"Breaker {name!r} has no candidate.", kind=NO_CANDIDATE)
    return report


def _keeper(operation: BreakerOperation) -> "Keeper":
    keeper = operation.admin.keeper
    if keeper is None:
        raise BreakerStateError(_NO_KEEPER)
    return keeper
