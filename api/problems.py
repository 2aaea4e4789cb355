"""Errors over HTTP: RFC 9457 problem documents, for every error there is."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from breakerd.breaker.config.validate import found
from breakerd.breaker.errors import BreakerStateError, ConfigError, ConfigProblem, ConfigWriteError

MEDIA_TYPE: Final = "application/problem+json"

INVALID: Final = "urn:breakerd:problem:invalid"
"""A value is wrong; `errors` holds everything found. Nothing was changed."""
NOT_WRITTEN: Final = "urn:breakerd:problem:not-written"
"""The change is in force, but only in memory: the file could not be written."""
WRONG_STATE: Final = "urn:breakerd:problem:wrong-state"
"""What was asked does not fit the breaker's state. Nothing was changed."""
UNKNOWN_BREAKER: Final = "urn:breakerd:problem:unknown-breaker"
"""There is no breaker of that name; `known` holds those that there are."""
UNKNOWN_ALERT: Final = "urn:breakerd:problem:unknown-alert"
"""There is no alert of that id."""
NO_DEAD_LETTERS: Final = "urn:breakerd:problem:not-given-up"
"""Nothing of the alert was given up, so there is nothing to retry or to discard."""
NO_ALERTING: Final = "urn:breakerd:problem:no-alerting"
"""This process has no alerting, so there is nothing to ask or to set."""


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """An error as the caller is to see it.

    Attributes:
        status: HTTP status code.
        detail: what is wrong here, and what to do about it.
        kind: URI of the kind of problem; `about:blank` where the status says it all.
        headers: headers that go with the answer.
        more: further members of the document.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "about:blank",
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.headers = dict(headers or {})
        self.more = more


def problem_response(problem: Problem, request: Request) -> JSONResponse:
    """The problem document that answers `request`."""
    document = {
        "type": problem.kind,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.url.path,
        **problem.more,
    }
    headers = {"Cache-Control": "no-store"} | problem.headers
    return JSONResponse(document, problem.status, headers, media_type=MEDIA_TYPE)


EXPECTED: Final = (
    Problem,
    ConfigError,
    ConfigWriteError,
    BreakerStateError,
    RequestValidationError,
    HTTPException,
)
"""Errors that are an answer, and not a fault of ours."""


def to_problem(error: Exception) -> Problem:
    """One of `EXPECTED` as a problem; anything else is a 500 that gives nothing away."""
    match error:
        case Problem():
            problem = error
        case ConfigError():
            problem = invalid(error.problems)
        case ConfigWriteError():
            problem = Problem(409, str(error), kind=NOT_WRITTEN, in_force=True)
        case BreakerStateError():
            problem = Problem(409, str(error), kind=WRONG_STATE)
        case RequestValidationError():
            problem = _from_validation_error(error)
        case HTTPException():
            detail = error.detail or HTTPStatus(error.status_code).description
            problem = Problem(error.status_code, detail, headers=error.headers)
        case _:
            problem = Problem(500, "An unexpected error; the service's log holds the details.")
    return problem


def invalid(problems: tuple[ConfigProblem, ...]) -> Problem:
    """A 422 that lists all of `problems`."""
    detail = "; ".join(
        f"{problem.key or problem.where}: found {problem.found}; allowed: {problem.allowed}"
        for problem in problems
    )
    return Problem(
        422, detail, kind=INVALID, errors=[_error_entry(problem) for problem in problems]
    )


Responses = dict[int | str, dict[str, Any]]


def openapi_responses(*statuses: int) -> Responses:
    """OpenAPI's description of the problems that an operation may answer with."""
    content = {MEDIA_TYPE: {"schema": _SCHEMA}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def share_schema(openapi: dict[str, Any]) -> dict[str, Any]:
    """The description of an application, with the schema of problems in it once."""
    openapi.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _SCHEMA
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for operations in openapi["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                if MEDIA_TYPE in answer.get("content", {}):
                    answer["content"][MEDIA_TYPE] = reference
    return openapi


def _from_validation_error(error: RequestValidationError) -> Problem:
    """What FastAPI found wrong with a request, in the form of our own problems."""
    details = error.errors()
    if details and details[0]["type"] == "json_invalid":
        return Problem(400, f"The body is not JSON: {details[0]['ctx']['error']}.")
    return invalid(
        tuple(
            ConfigProblem(
                where="request",
                line=0,
                key=".".join(str(part) for part in each["loc"][1:]) or str(each["loc"][0]),
                found="nothing" if each["type"] == "missing" else found(each.get("input")),
                allowed=each["msg"],
            )
            for each in details
        )
    )


def _error_entry(problem: ConfigProblem) -> dict[str, object]:
    return {
        "where": problem.where,
        "line": problem.line,
        "key": problem.key,
        "found": problem.found,
        "allowed": problem.allowed,
    }


_SCHEMA: Final = {
    "type": "object",
    "title": "Problem",
    "description": "A problem document (RFC 9457); `errors` lists everything that is wrong.",
    "properties": {
        "type": {"type": "string", "examples": [INVALID]},
        "title": {"type": "string", "examples": ["Unprocessable Entity"]},
        "status": {"type": "integer", "examples": [422]},
        "detail": {"type": "string"},
        "instance": {"type": "string", "examples": ["/breaker/latency"]},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["type", "title", "status", "detail", "instance"],
}
