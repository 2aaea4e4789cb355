"""Validate data against a settings model and report every problem at once."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.show_value import Schema, format_value, show_value, shown_name
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import PARTIAL

M = TypeVar("M", bound=BaseModel)
_TYPE_NAMES: Final = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a table",
}
_LIMITS: Final = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "of at least {} characters",
    "maxLength": "of at most {} characters",
    "minItems": "of at least {}",
    "maxItems": "of at most {}",
}
_FORMATS: Final = {
    "date-time": "a time with its zone, such as 2026-01-31T22:00:00Z",
    "date": "a day, such as 2026-01-31",
}
_CONTAINERS: Final = frozenset({"array", "object"})
_MAX_NAMED_KEYS: Final = 8
"""Maximum number of keys of a table that are named where the table is described."""
MAX_PROBLEMS: Final = 100
"""Maximum number of problems that are told; of more, the first ones are."""
_MAX_MISSPELT: Final = 100
"""Number of characters of a key that are compared with the known ones."""
_KEY_MARKER: Final = "[key]"
"""Pydantic's marker for a problem in the name of an entry, not in its value."""


def validate(
    model: type[M],
    data: Mapping[str, object],
    *,
    document: Document | None = None,
    prefix: Key = (),
    where: str = "settings",
) -> M:
    """Return `data` as a `model`.

    Args:
        model: the settings model.
        data: names and values as in the file.
        document: the file they come from, for its name and lines.
        prefix: the table of the file that contains them.
        where: name of the source if there is no document.

    Settings that contradict each other are not looked for: `data` may be a part of all.

    Raises:
        ConfigError: every problem, in the order of the file.
    """
    try:
        return model.model_validate(data, context={PARTIAL: True})
    except ValidationError as error:
        found = error.errors(include_url=False)

    def line_of(details: ErrorDetails) -> int:
        return document.line_of(prefix + _location(details, data)) if document else 0

    problems = [
        _problem(model, details, data, document=document, prefix=prefix, where=where)
        for details in sorted(found, key=line_of)[:MAX_PROBLEMS]
    ]
    raise ConfigError(list(dict.fromkeys(problems)))


def suggest_key(key: str, known: list[str]) -> str:
    """Return the allowed keys, or the closest one, for an unknown key."""
    close = get_close_matches(key[:_MAX_MISSPELT], known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(sorted(known))}"


def unknown_key(model: type[BaseModel], key: Key, where: str = "request") -> ConfigProblem | None:
    """Return the problem if `model` has no setting, table or entry at `key`; None if it has."""
    root = _schema_of(model)
    for depth, name in enumerate(key):
        container = _container(_schema_at(root, key[:depth]), root)
        known = list(container.get("properties", {}))
        if name in known or "patternProperties" in container or _is_open(container):
            continue
        found = f"unknown key {name!r}"
        allowed = suggest_key(name, known) if known else "no key below it"
        return ConfigProblem(where, 0, ".".join(key), found, allowed)
    return None


def is_secret(model: type[BaseModel], key: Key) -> bool:
    """True if the value at `key` of `model` is marked as a secret."""
    schema = _schema_at(_schema_of(model), key)
    return any(branch.get("writeOnly") for branch in _branches(schema))


def secret_keys(model: type[BaseModel], data: Mapping[str, object]) -> set[Key]:
    """Return the keys in `data` of the values that `model` marks as secrets."""
    root = _schema_of(model)
    return {
        key
        for key in _leaves((), data)
        if any(branch.get("writeOnly") for branch in _branches(_schema_at(root, key)))
    }


def describe_allowed(model: type[BaseModel], key: Key) -> str:
    """Return the type, range and unit allowed at `key` of `model`, in words."""
    root = _schema_of(model)
    return _describe(_schema_at(root, key), root)


def describe_schema(schema: Schema) -> str:
    """Return the type, range and unit that a JSON schema allows, in words."""
    return _describe(schema, schema)


def _problem(
    model: type[BaseModel],
    details: ErrorDetails,
    data: Mapping[str, object],
    *,
    document: Document | None,
    prefix: Key,
    where: str,
) -> ConfigProblem:
    location = _location(details, data)
    key = prefix + location
    if details["type"] == "extra_forbidden":
        value, may = (
            f"unknown key {shown_name(location[-1])!r}",
            suggest_key(location[-1], _known_keys(model, location)),
        )
    elif details["type"] == "missing":
        value, may = "nothing", describe_allowed(model, location)
    elif details["loc"][-1:] == (_KEY_MARKER,) and "pattern" in details.get("ctx", {}):
        value, may = (
            _show_name(str(details["input"])),
            f"a name matching {details['ctx']['pattern']}",
        )
    else:
        value, may = (
            _show(model, location, details["input"]),
            describe_allowed(model, location),
        )
        if details["type"] in {"value_error", "assertion_error"}:
            may = details["msg"].removeprefix("Value error, ")
    return ConfigProblem(
        where=str(document.path) if document else where,
        line=document.line_of(key) if document else 0,
        key=".".join(map(shown_name, key)),
        found=value,
        allowed=may,
    )


def _location(details: ErrorDetails, data: object) -> Key:
    """Return the key of a problem in `data`."""
    key: list[str] = []
    here: Any = data
    for part in details["loc"]:
        if _has(here, part):
            here = here[part]
        elif str(part).endswith("]"):
            continue  # pydantic names the branch of a union beside the keys
        key.append(str(part))
    return tuple(key)


def _has(data: object, part: int | str) -> bool:
    if isinstance(data, Mapping):
        return part in data
    return isinstance(data, list | tuple) and isinstance(part, int)


def _show_name(name: str) -> str:
    return format_value(name) if shown_name(name) == name else "a name that is not shown"


def _show(model: type[BaseModel], location: Key, value: object) -> str:
    """Return the value, unless it may be a secret, or stands for a table with one."""
    root = _schema_of(model)
    schema = _schema_at(root, location)
    inner = [_resolve(each, root) for each in schema.get("properties", {}).values()]
    secret = any(branch.get("writeOnly") for each in inner for branch in _branches(each))
    return show_value(value, {**schema, "writeOnly": True} if secret else schema)


@cache
def _schema_of(model: type[BaseModel]) -> Schema:
    """Return the JSON schema of a model; making one takes milliseconds."""
    return model.model_json_schema()


def _leaves(key: Key, value: object) -> Iterator[Key]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves((*key, str(name)), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, Mapping):
                yield from _leaves((*key, str(index)), inner)
        yield key
    else:
        yield key


def _branches(schema: Schema) -> tuple[Schema, ...]:
    return (schema, *schema.get("anyOf", ()))


def _known_keys(model: type[BaseModel], location: Key) -> list[str]:
    root = _schema_of(model)
    return list(_container(_schema_at(root, location[:-1]), root).get("properties", {}))


def _schema_at(root: Schema, key: Key) -> Schema:
    schema: Schema = root
    for part in key:
        schema = _container(_resolve(schema, root), root)
        if part in schema.get("properties", {}):
            schema = schema["properties"][part]
        elif "items" in schema:
            schema = schema["items"]
        else:
            named = schema.get("patternProperties", {}).values()
            extra = next(iter(named), schema.get("additionalProperties", {}))
            schema = extra if isinstance(extra, dict) else {}
    return {**_resolve(schema, root), **({"unit": schema["unit"]} if "unit" in schema else {})}


def _container(schema: Schema, root: Schema) -> Schema:
    """Return the branch of an optional table or list that has keys or items."""
    branches = (_resolve(branch, root) for branch in schema.get("anyOf", ()))
    return next((each for each in branches if each.get("type") in _CONTAINERS), schema)


def _is_open(schema: Schema) -> bool:
    """True if a table takes entries of any name."""
    return isinstance(schema.get("additionalProperties"), dict)


def _resolve(schema: Schema, root: Schema) -> Schema:
    if "$ref" in schema:
        target: Schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        return target
    return schema


def _describe(schema: Schema, root: Schema) -> str:
    schema = {**schema, **_resolve(schema, root)}
    if "anyOf" in schema:
        kinds = [
            _describe(branch, root) for branch in schema["anyOf"] if branch.get("type") != "null"
        ]
        return " or ".join(kinds) + _unit_suffix(schema)
    if "const" in schema:  # pydantic before 2.10 writes it as an enumeration too
        return format_value(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(format_value(value) for value in schema["enum"])
    words = _FORMATS.get(schema.get("format", "")) or _TYPE_NAMES.get(
        schema.get("type", ""), "a value"
    )
    if 0 < len(keys := schema.get("properties", {})) <= _MAX_NAMED_KEYS:
        words += f" with {', '.join(keys)}"
    limits = [
        text.format(_format_number(schema[name]))
        for name, text in _LIMITS.items()
        if name in schema
    ]
    words = " ".join([words, ", ".join(limits)]).rstrip()
    if "pattern" in schema:
        words += f" matching {schema['pattern']}"
    if "items" in schema:
        words += f", each {_describe(schema['items'], root)}"
    return words + _unit_suffix(schema)


def _format_number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)


def _unit_suffix(schema: Schema) -> str:
    unit = schema.get("unit")
    return f" ({unit})" if unit else ""
