"""Whatever the schema can say of a value is said by the service too, of every key of the file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from jsonschema import Draft7Validator

from breakerd.api.file_schema import file_schema
from breakerd.api.file_settings import settings_of
from breakerd.breaker.config import parse_document
from breakerd.breaker.errors import ConfigError

SCHEMA = file_schema()
VALIDATOR = Draft7Validator(SCHEMA)
NAMES = {"environment_settings": "PROD", "headers": "X-A"}
"""Names of entries in tables of any names, where it is not `main`."""
OLDER = "circuit_breaker"

Path_ = tuple[str, ...]
Leaf = dict[str, Any]


def resolved(schema: Leaf) -> Leaf:
    if "$ref" in schema:
        found: Leaf = SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def leaves(schema: Leaf, at: Path_ = ()) -> Iterator[tuple[Path_, Leaf]]:
    """Yield every value that is no table, with its path; tables of any names have one entry."""
    schema = resolved(schema)
    entry = next(iter(schema.get("patternProperties", {}).values()), None)
    entry = entry or schema.get("additionalProperties")
    if schema.get("type") == "object":
        for name, inner in schema.get("properties", {}).items():
            if name != OLDER:
                yield from leaves(inner, (*at, name))
        if isinstance(entry, dict):
            yield from leaves(entry, (*at, NAMES.get(at[-1], "main")))
    elif resolved(schema.get("items", {})).get("type") == "object":
        yield from leaves(schema["items"], (*at, "0"))
    else:
        yield at, schema


def wrong_type(leaf: Leaf) -> Any:
    return 7 if leaf["type"] == "string" else "neither a number nor one of several words"


def below(leaf: Leaf) -> Any:
    if "minimum" in leaf:
        return leaf["minimum"] - 1
    return leaf.get("exclusiveMinimum")


def above(leaf: Leaf) -> Any:
    return leaf["maximum"] + 1 if "maximum" in leaf else leaf.get("exclusiveMaximum")


def other_word(leaf: Leaf) -> Any:
    return "nope" if "enum" in leaf else None


def other_form(leaf: Leaf) -> Any:
    texts = ("a ?b", "ü", "x" * 3000, "")
    pattern = leaf.get("pattern", "")
    return next((text for text in texts if not re.search(pattern, text)), None)


def too_long(leaf: Leaf) -> Any:
    if "maxLength" in leaf:
        return "x" * (leaf["maxLength"] + 1)
    return [0.5] * (leaf["maxItems"] + 1) if "maxItems" in leaf else None


def too_short(leaf: Leaf) -> Any:
    if leaf.get("minLength"):
        return ""
    return [] if leaf.get("minItems") else None


def wrong_item(leaf: Leaf) -> Any:
    return [{}] if leaf["type"] == "array" else None


KINDS: list[Callable[[Leaf], Any]] = [
    wrong_type,
    below,
    above,
    other_word,
    other_form,
    too_long,
    too_short,
    wrong_item,
]


def document(values: dict[Path_, Any]) -> dict[str, Any]:
    """Return a file with these values; a part that is a number stands for an array of tables."""
    root: dict[str, Any] = {}
    for path, value in values.items():
        table: Any = root
        for part, after in pairwise(path):
            if part == "0":
                table.extend([{}] if not table else [])
                table = table[0]
            else:
                table = table.setdefault(part, [] if after == "0" else {})
        table[path[-1]] = value
    return root


def told_by_schema(data: dict[str, Any]) -> set[str]:
    return {
        ".".join(map(str, error.absolute_path))
        for error in VALIDATOR.iter_errors(json.loads(json.dumps(data)))
    }


def told_by_service(data: dict[str, Any]) -> set[str]:
    """Return the keys of all errors, and of what is only tolerated."""
    parsed = parse_document(Path("b.toml"), tomlkit.dumps(data))
    try:
        found = settings_of(parsed)
    except ConfigError as error:
        return {problem.key for problem in error.problems}
    return {warning.key for warning in found.warnings}


def covered(path: Path_, told: set[str]) -> bool:
    """Return True if the key is told, or an element of it."""
    key = ".".join(path)
    return any(each == key or each.startswith(f"{key}.") for each in told)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_wrong_value_is_told_by_both(kind: Callable[[Leaf], Any]) -> None:
    wrong = {path: value for path, leaf in leaves(SCHEMA) if (value := kind(leaf)) is not None}
    assert wrong
    data = document(wrong)
    schema, service = told_by_schema(data), told_by_service(data)
    assert [path for path in wrong if not covered(path, schema)] == []
    # The tolerated ones among the root's are told once the errors are gone.
    left = {path: value for path, value in wrong.items() if not covered(path, service)}
    assert [path for path in left if not covered(path, told_by_service(document(left)))] == []


def test_each_unknown_key_is_told_by_both() -> None:
    tables = {path[:-1] for path, _ in leaves(SCHEMA) if path[-1] not in {"main", "PROD", "X-A"}}
    unknown = {(*table, "unknown_key"): 1 for table in tables if table[-1:] != ("0",)}
    data = document(unknown)
    service = told_by_service(data)
    assert {".".join(path) for path in unknown} - service == set()
    places = {".".join(path[:-1]) for path in unknown}
    assert places <= told_by_schema(data)


def test_the_older_spelling_of_the_root_is_the_same() -> None:
    definitions = SCHEMA["definitions"]["Settings"]["properties"]
    assert {k: v for k, v in SCHEMA["properties"].items() if k in definitions} == definitions
    assert SCHEMA["properties"][OLDER] == {"$ref": "#/definitions/Settings"}
