from __future__ import annotations

from typing import Any

import pytest

from breakerd import Settings
from breakerd.breaker.runtime.status_types import Status
from tests.support.admin_client import Client


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").json()
    return document


def test_every_operation_has_a_name_of_its_own_and_words(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert {"default_get_status", "named_get_status", "default_set_latency", "reload"} <= {*names}
    assert all(operation["description"] for operation in operations)


def test_all_but_health_needs_a_token(document: dict[str, Any]) -> None:
    open_paths = {
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if not operation.get("security")
    }
    assert open_paths == {"/healthz", "/readyz"}
    schemes = document["components"]["securitySchemes"]
    assert {scheme["scheme"] for scheme in schemes.values()} == {"bearer", "basic"}


def test_ranges_and_words_of_settings_come_from_the_settings(document: dict[str, Any]) -> None:
    threshold = document["components"]["schemas"]["LatencyThreshold"]["properties"]["threshold"]
    assert threshold["minimum"] == 5
    assert threshold["examples"] == [800]
    description = Settings.model_fields["latency_threshold"].description
    assert threshold["description"] == f"{description} (ms)"


def test_patches_are_described_without_what_only_the_file_may_change(
    document: dict[str, Any],
) -> None:
    schemas = document["components"]["schemas"]
    settings = schemas["SettingsPatch"]["properties"]
    assert settings["slo"]["anyOf"][0]["properties"]["timeout"]["maximum"] == 3600
    assert "required" not in str(schemas["SettingsPatch"])
    sections = schemas["SectionsPatch"]["properties"]
    assert {*sections["api"]["properties"]} == {"event_streams", "event_buffer"}
    assert "priority" in sections["opsgenie"]["properties"]
    assert not {"api_key", "api_url", "api_key_file"} & {*sections["opsgenie"]["properties"]}
    assert "writeOnly" not in str(
        sections["alerts"]["properties"]["receivers"]["properties"]["slack"]
    )


def test_status_is_described_key_by_key(document: dict[str, Any]) -> None:
    described = document["components"]["schemas"]["Status"]
    assert {*described["properties"]} == {
        *Status.__annotations__,
        *("paging", "paging_problems", "not_running"),
        *("scope", "fleet_problem", "members", "fleet"),
    }
    assert document["components"]["schemas"]["EvidenceReport"]["properties"]["sentence"]


def test_errors_are_problem_documents(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and status != "503":
                    schema = answer["content"]["application/problem+json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}
    assert "errors" in document["components"]["schemas"]["Problem"]["properties"]


def test_head_is_answered_wherever_get_is(client: Client, document: dict[str, Any]) -> None:
    paths = [path for path, operations in document["paths"].items() if "get" in operations]
    for path in [*paths, "/", "/dashboard", "/dashboard/", "/openapi.json"]:
        url = path.format(name="payments", incident_id="none", id="none", number=1)
        head = client.request("HEAD", url)
        assert head.content == b"", url
        if not path.endswith("/events"):  # which never end
            got = client.get(url)
            assert (head.status_code, head.headers.keys()) == (got.status_code, got.headers.keys())
        assert head.status_code != 405, url
