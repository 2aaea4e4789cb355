"""Checks requests and responses against OpsGenie's published API description (Swagger 2.0)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema

Json = dict[str, Any]

_FILE: Final = Path(__file__).parents[1] / "contract" / "data" / "opsgenie-alert-api.json"


def assert_request_conforms(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: object,
) -> None:
    """Fail, with every reason, if the API does not describe such a request.

    Args:
        method: HTTP method.
        path: path without the query, percent-encoded.
        query: query parameters.
        headers: names in any case; the key may be masked, only its scheme is checked.
        body: parsed JSON of the body; None if there is none.
    """
    operation = find_operation(method, path)
    problems = [
        *_about_key(headers),
        *_about_query(operation, query),
        *_about_body(operation, headers, body),
    ]
    _fail_with(problems, f"{method} {path}")


def assert_answer_conforms(method: str, path: str, status: int, body: object) -> None:
    """Fail, with every reason, if the API does not describe such a response to that request.

    Args:
        method: method of the request.
        path: path of the request without the query, percent-encoded.
        status: status of the response.
        body: parsed JSON of the response.
    """
    responses = find_operation(method, path).definition["responses"]
    if str(status) not in responses and status < 500:
        problem = f"status {status}: described are {', '.join(responses)}"
        _fail_with([problem], f"{method} {path}")
    response = _resolved(responses.get(str(status), responses["default"]))
    _fail_with(_problems(response["schema"], body, "answer"), f"{method} {path} answered {status}")


@dataclass(frozen=True)
class Operation:
    """Operation of the description, with its path."""

    path: str
    definition: Json

    def parameters(self, place: str) -> dict[str, Json]:
        """Return its parameters in "query", "path" or "body", by name."""
        resolved = map(_resolved, self.definition.get("parameters", []))
        return {parameter["name"]: parameter for parameter in resolved if parameter["in"] == place}


def find_operation(method: str, path: str) -> Operation:
    """Return the operation for that method and path; fail if there is none."""
    for template in sorted(description()["paths"], key=lambda path: path.count("{")):
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        definition = description()["paths"][template].get(method.lower())
        if definition and re.fullmatch(pattern, path):
            return Operation(template, definition)
    raise AssertionError(f"the API description has no {method} {path}")


@cache
def description() -> Json:
    """Return the whole description."""
    loaded: Json = json.loads(_FILE.read_text(encoding="utf-8"))
    return loaded


def _about_key(headers: Mapping[str, str]) -> Iterator[str]:
    lower = {name.lower(): value for name, value in headers.items()}
    if not re.fullmatch(r"GenieKey \S+", lower.get("authorization", "")):
        yield "headers: Authorization must be GenieKey, a blank, and the key"


def _about_query(operation: Operation, query: Mapping[str, str]) -> Iterator[str]:
    parameters = operation.parameters("query")
    for name, value in query.items():
        if name not in parameters:
            yield f"query.{name}: unknown; described are {', '.join(parameters) or 'none'}"
            continue
        schema = {k: v for k, v in parameters[name].items() if k not in {"in", "name", "required"}}
        yield from _problems(schema, _typed(value, schema), f"query.{name}")
    for name, parameter in parameters.items():
        if parameter.get("required") and name not in query:
            yield f"query.{name}: missing"


def _typed(text: str, schema: Json) -> object:
    """Convert a query parameter, which is text, to the number or list its schema may require."""
    if schema.get("type") == "array" and schema.get("collectionFormat", "csv") == "csv":
        return text.split(",")
    return int(text) if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text) else text


def _about_body(operation: Operation, headers: Mapping[str, str], body: object) -> Iterator[str]:
    if operation.parameters("formData"):
        yield from _about_form(operation, headers, body)
        return
    (parameter,) = operation.parameters("body").values() or [None]
    if body is None:
        if parameter and parameter.get("required"):
            yield "body: missing"
        return
    if parameter is None:
        yield "body: the operation takes none"
        return
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("content-type", "").partition(";")[0] != "application/json":
        yield f"headers: Content-Type {lower.get('content-type')!r} must be application/json"
    yield from _problems(parameter["schema"], body, "body")


def _about_form(operation: Operation, headers: Mapping[str, str], body: object) -> Iterator[str]:
    parameters = operation.parameters("formData")
    fields = body if isinstance(body, dict) else {}
    for name in fields:
        if name not in parameters:
            yield f"form.{name}: unknown; described are {', '.join(parameters)}"
    for name, parameter in parameters.items():
        if parameter.get("required") and name not in fields:
            yield f"form.{name}: missing"
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("content-type", "").partition(";")[0] != "multipart/form-data":
        yield f"headers: Content-Type {lower.get('content-type')!r} must be multipart/form-data"


def _problems(schema: Json, value: object, where: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(_strict(schema), format_checker=_FORMATS)
    errors = validator.iter_errors(value)
    return [f"{where}{error.json_path[1:]}: {error.message}" for error in errors]


_FORMATS: Final = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    """True for a time with its zone; jsonschema itself needs one more package for this."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _fail_with(problems: list[str], what: str) -> None:
    if problems:
        raise AssertionError("\n  ".join([f"{what} is not as OpsGenie describes it:", *problems]))


def _strict(schema: Json, seen: tuple[str, ...] = ()) -> Json:
    """Return the schema in one piece, which allows only the properties that it names.

    `$ref` and `allOf` are merged, since a part on its own would reject the properties of the
    others; a `discriminator` becomes one condition for each derived class.
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in seen:
            raise NotImplementedError(f"{name} holds itself")
        definition = description()["definitions"][name]
        if "discriminator" in definition:
            return _by_class(name, (*seen, name))
        return _strict(definition, (*seen, name))
    merged = _merged(schema)
    strict = {k: merged[k] for k in _KEPT & set(merged)}
    if "items" in merged:
        strict["items"] = _strict(merged["items"], seen)
    if isinstance(merged.get("additionalProperties"), dict):
        strict["additionalProperties"] = _strict(merged["additionalProperties"], seen)
    if "properties" in merged:
        properties = merged["properties"].items()
        strict["properties"] = {name: _strict(inner, seen) for name, inner in properties}
        strict.setdefault("additionalProperties", False)
    return strict


_KEPT: Final = frozenset(
    {"type", "enum", "required", "format", "minimum", "maximum", "maxLength", "maxItems"}
)


def _merged(schema: Json) -> Json:
    """Return the schema merged with all parts of its `allOf`."""
    merged = {k: v for k, v in schema.items() if k != "allOf"}
    for part in schema.get("allOf", []):
        inner = _merged(_resolved(part))
        properties = {**merged.get("properties", {}), **inner.get("properties", {})}
        required = sorted({*merged.get("required", []), *inner.get("required", [])})
        merged = {**inner, **merged}
        if properties:
            merged["properties"] = properties
        if required:
            merged["required"] = required
    return merged


def _by_class(name: str, seen: tuple[str, ...]) -> Json:
    base = description()["definitions"][name]
    key = base["discriminator"]
    loose = _strict({k: v for k, v in base.items() if k != "discriminator"}, seen)
    del loose["additionalProperties"]
    derived = _derived(name)
    conditions = [
        {"if": {"properties": {key: {"const": value}}}, "then": _strict(definition, seen)}
        for value, definition in derived.items()
    ]
    others = {"properties": {key: {"enum": sorted(derived)}}}
    plain = {"if": {"not": others}, "then": {**loose, "additionalProperties": False}}
    return {**loose, "allOf": [*conditions, plain]}


def _derived(name: str) -> dict[str, Json]:
    """Return the definitions derived from `name`, by the value of their discriminator."""
    reference = {"$ref": f"#/definitions/{name}"}
    return {
        definition["x-discriminator-value"]: definition
        for definition in description()["definitions"].values()
        if reference in definition.get("allOf", []) and "x-discriminator-value" in definition
    }


def _resolved(part: Json) -> Json:
    while "$ref" in part:
        _, kind, name = part["$ref"].split("/")
        part = description()[kind][name]
    return part
