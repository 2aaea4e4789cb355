"""Turn every error into an RFC 9457 problem document."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from starlette.exceptions import HTTPException

from breakerd.api.json_response import JSONResponse
from breakerd.breaker.errors import (
    BreakerStateError,
    ConfigConflictError,
    ConfigError,
    ConfigProblem,
    ConfigWriteError,
    NotStoredError,
)

MEDIA_TYPE: Final = "application/problem+json"

INVALID: Final = "urn:breakerd:problem:invalid"
"""A value is invalid; `errors` lists every problem. Nothing was changed."""
NOT_WRITTEN: Final = "urn:breakerd:problem:not-written"
"""The change is in force in memory only: the file cannot be written."""
CONFLICT: Final = "urn:breakerd:problem:conflict"
"""The file cannot be edited safely, or somebody is saving it. Nothing was changed."""
CHANGED_SINCE: Final = "urn:breakerd:problem:changed-since"
"""Settings have changed since the client read them; `changed_since` names what. Nothing was
changed by this request."""
UNKNOWN_CONFIG: Final = "urn:breakerd:problem:unknown-config"
"""There is no configuration of that number in the log."""
NO_CONFIG_LOG: Final = "urn:breakerd:problem:no-config-log"
"""The process keeps no log of configurations: it has no file, or was told not to."""
WRONG_STATE: Final = "urn:breakerd:problem:wrong-state"
"""The operation does not fit the breaker's state. Nothing was changed."""
UNKNOWN_BREAKER: Final = "urn:breakerd:problem:unknown-breaker"
"""There is no breaker of that name; `known` lists the names."""
NO_CANDIDATE: Final = "urn:breakerd:problem:no-candidate"
"""The breaker has no candidate in its shadow."""
UNKNOWN_ALERT: Final = "urn:breakerd:problem:unknown-alert"
"""There is no alert of that id."""
NO_DEAD_LETTERS: Final = "urn:breakerd:problem:no-dead-letters"
"""The alert has no dead letters to retry or to discard."""
NOT_STORED: Final = "urn:breakerd:problem:not-stored"
"""The database cannot be written. Nothing was changed, nor will be later."""
NO_ALERTING: Final = "urn:breakerd:problem:no-alerting"
"""The process has no alerting."""
NO_RECORD: Final = "urn:breakerd:problem:no-record"
"""The process keeps no record of past events."""


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """An error as the client sees it.

    Attributes:
        status: HTTP status code.
        detail: what is wrong, and what to do about it.
        kind: URI of the problem type; `about:blank` if the status says it all.
        headers: further headers of the response.
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
    """Return the problem document that answers `request`."""
    document = {
        "type": problem.kind,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path_of(request),
        "error": problem.detail,
        **problem.more,
    }
    headers = {"Cache-Control": "no-store"} | problem.headers
    return JSONResponse(document, problem.status, headers, media_type=MEDIA_TYPE)


def path_of(request: Request) -> str:
    """Return the path of the request, with all prefixes."""
    try:
        return request.url.path
    except ValueError:  # older Starlette: the `Host` is none
        return str(request.scope["path"])


EXPECTED: Final = (
    Problem,
    ConfigError,
    ConfigConflictError,
    ConfigWriteError,
    BreakerStateError,
    NotStoredError,
)
"""Errors of ours that the client caused or can act on.

An `HTTPException` is not among them: dependencies of a host raise it, for the host's handlers.
"""


def to_problem(error: Exception) -> Problem:
    """Convert one of `EXPECTED`; any other error becomes a 500 without details."""
    match error:
        case Problem():
            problem = error
        case ConfigError():
            problem = invalid(error.problems)
        case ConfigWriteError():
            problem = Problem(409, str(error), kind=NOT_WRITTEN, in_force=True)
        case ConfigConflictError():
            problem = Problem(409, str(error), kind=CONFLICT, in_force=False)
        case BreakerStateError():
            problem = Problem(409, str(error), kind=WRONG_STATE)
        case NotStoredError():
            detail = f"{error}. Nothing was changed; try again, and see `breakerd doctor`."
            problem = Problem(503, detail, kind=NOT_STORED, headers={"Retry-After": "5"})
        case HTTPException():
            detail = error.detail or HTTPStatus(error.status_code).description
            problem = Problem(error.status_code, detail, headers=error.headers)
        case _:
            problem = Problem(500, "Unexpected error; the service's log has the details.")
    return problem


def invalid(problems: tuple[ConfigProblem, ...]) -> Problem:
    """Return a 422 that lists all of `problems`."""
    detail = "; ".join(
        f"{problem.key or problem.where}: found {problem.found}; allowed: {problem.allowed}"
        for problem in problems
    )
    return Problem(
        422, detail, kind=INVALID, errors=[_error_entry(problem) for problem in problems]
    )


Responses = dict[int | str, dict[str, Any]]


def openapi_responses(*statuses: int) -> Responses:
    """Return the OpenAPI description of problem responses with these statuses."""
    content = {MEDIA_TYPE: {"schema": _SCHEMA}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def share_schema(openapi: dict[str, Any]) -> dict[str, Any]:
    """Move the schema of problems into the components of `openapi`, and return it.

    Answers that are no problem documents are FastAPI's own 422, which no route gives.
    """
    openapi.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _SCHEMA
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for operations in openapi["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            if MEDIA_TYPE not in answers.get("422", {}).get("content", {}):
                answers.pop("422", None)
            for answer in answers.values():
                if MEDIA_TYPE in answer.get("content", {}):
                    answer["content"][MEDIA_TYPE] = reference
    return openapi


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
    "description": "Problem document (RFC 9457). `errors` lists every invalid value.",
    "properties": {
        "type": {"type": "string", "examples": [INVALID]},
        "title": {"type": "string", "examples": ["Unprocessable Entity"]},
        "status": {"type": "integer", "examples": [422]},
        "detail": {"type": "string"},
        "instance": {"type": "string", "examples": ["/breaker/latency"]},
        "error": {"type": "string", "description": "`detail`, as go-breaker names it."},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["type", "title", "status", "detail", "instance", "error"],
}
