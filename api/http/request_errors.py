"""Describe what is wrong with a request, in the words that `check` has for a file."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, get_args

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, RootModel, TypeAdapter

from breakerd.api.problems import Problem, invalid
from breakerd.breaker.config.show_value import format_value
from breakerd.breaker.config.validate import describe_schema, validate
from breakerd.breaker.errors import ConfigError, ConfigProblem

_WHERE: Final = "request"
_BODY: Final = "body"


def to_problem(route: APIRoute, error: RequestValidationError) -> Problem:
    """Return the problem with a request to `route` that FastAPI refused."""
    details = error.errors()
    if details and details[0]["type"] == "json_invalid":
        return Problem(400, f"The body is not JSON: {details[0]['ctx']['error']}.")
    problems = [_parameter_problem(route, each) for each in details if each["loc"][0] != _BODY]
    if len(problems) < len(details):
        problems += _body_problems(route, error.body)
    return invalid(tuple(problems))


def _body_problems(route: APIRoute, body: object) -> Iterator[ConfigProblem]:
    model = _body_model(route)
    if not isinstance(body, dict):
        found = "nothing" if body is None else format_value(body)
        keys = ", ".join(f'"{name}"' for name in model.model_fields)
        named = "" if issubclass(model, RootModel) else f" with {keys}"
        yield ConfigProblem(_WHERE, 0, _BODY, found, f"a JSON object{named}")
        return
    try:
        validate(model, body, where=_WHERE)
    except ConfigError as error:
        yield from error.problems


def _body_model(route: APIRoute) -> type[BaseModel]:
    """Return the model of the body, which may be optional."""
    kind = route.body_field.field_info.annotation if route.body_field else None
    kinds = (kind, *get_args(kind))
    return next(each for each in kinds if isinstance(each, type) and issubclass(each, BaseModel))


def _parameter_problem(route: APIRoute, details: dict[str, Any]) -> ConfigProblem:
    name = str(details["loc"][-1])
    found = "nothing" if details["type"] == "missing" else format_value(details.get("input"))
    allowed = _parameters(route.dependant).get(name, details["msg"])
    return ConfigProblem(_WHERE, 0, name, found, allowed)


def _parameters(dependant: Dependant) -> dict[str, str]:
    """Return what is allowed for each parameter of the path and the query."""
    allowed = {}
    for field in (*dependant.path_params, *dependant.query_params):
        hint: Any = Annotated[field.field_info.annotation, field.field_info]
        allowed[field.alias] = describe_schema(TypeAdapter(hint).json_schema())
    for inner in dependant.dependencies:
        allowed |= _parameters(inner)
    return allowed
