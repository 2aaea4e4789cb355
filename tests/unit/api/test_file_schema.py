"""The schema for editors: complete, and of a draft that their plug-ins read."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from breakerd.api.advice.rules.access import SECRET_NAMES
from breakerd.api.file_schema import file_schema
from breakerd.api.file_settings import SECTION_MODELS
from breakerd.breaker.config.sections import FOREIGN_SECTIONS, NAME_PATTERN, valid_name
from breakerd.breaker.settings import Settings
from tests.support.documented import PROJECT, Block, blocks

SCHEMA = file_schema()
FILES = sorted([*PROJECT.glob("config/*.toml"), *PROJECT.glob("examples/**/*.toml")])


def told(data: object) -> list[str]:
    """Return the paths that the schema does not take; days are text in JSON."""
    plain = json.loads(json.dumps(data, default=str))
    return [each.json_path for each in Draft7Validator(SCHEMA).iter_errors(plain)]


def every_schema(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from every_schema(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from every_schema(inner)


def test_it_is_a_schema_of_draft_7() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft7Validator.META_SCHEMA["$schema"]


def test_nothing_stands_beside_a_reference_and_each_has_a_target() -> None:
    for schema in every_schema(SCHEMA):
        if isinstance(schema.get("$ref"), str):
            assert list(schema) == ["$ref"]
            assert schema["$ref"].removeprefix("#/definitions/") in SCHEMA["definitions"]


def test_no_null_and_no_word_of_our_own_is_left() -> None:
    for schema in every_schema(SCHEMA):
        assert schema.get("type") != "null"
        assert not {"found", "x-shown", "unit"} & schema.keys()


def test_every_section_and_every_setting_is_in_it() -> None:
    assert set(SECTION_MODELS) == FOREIGN_SECTIONS
    known = {*Settings.model_fields, "circuit_breaker", "breakers", *SECTION_MODELS}
    assert set(SCHEMA["properties"]) == known
    for table in SCHEMA["definitions"].values():
        assert table["additionalProperties"] is False
        assert all("description" in each or "$ref" in each for each in table["properties"].values())


def test_units_are_told() -> None:
    wait = SCHEMA["properties"]["wait_time"]
    assert wait["description"].endswith(" Unit: s.")
    assert (wait["type"], wait["minimum"], wait["maximum"]) == ("number", 1, 3600)


def test_secrets_are_those_that_the_advice_knows() -> None:
    tables = [t["properties"] for t in SCHEMA["definitions"].values()]
    secret = {name for t in tables for name, each in t.items() if each.get("writeOnly")}
    assert secret == SECRET_NAMES


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_the_projects_files_are_valid(file: Path) -> None:
    assert told(tomllib.loads(file.read_text())) == []


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_the_documented_files_are_valid(block: Block) -> None:
    assert told(tomllib.loads(block.text)) == []


def test_the_table_of_a_breaker_may_leave_the_rest_to_the_root() -> None:
    assert told({"slo": {"timeout": 2}}) == ["$.slo"]
    assert told({"breakers": {"a": {"slo": {"timeout": 2}}}}) == []
    assert told({"breakers": {"a": {"slo": {"timeout": -2}}}}) == ["$.breakers.a.slo.timeout"]


def test_a_candidate_leaves_the_rest_to_the_settings_in_force() -> None:
    assert told({"candidate": {"wait_time": 5, "slo": {"timeout": 2}}}) == []
    found = told({"breakers": {"a": {"candidate": {"wait_time": 0, "candidate": {}}}}})
    assert found == ["$.breakers.a.candidate", "$.breakers.a.candidate.wait_time"]


@pytest.mark.parametrize("name", ["a", "eu.pay-1_x", "x" * 100, "", "a b", "ü", "x" * 101])
def test_names_of_breakers_are_those_of_the_service(name: str) -> None:
    assert valid_name(name) == (told({"breakers": {name: {}}}) == [])
    assert NAME_PATTERN in SCHEMA["properties"]["breakers"]["patternProperties"]
