"""The OpenAPI description is true: random requests get the responses that it describes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.support.server_process import Server

TOKEN = "the-token"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "breakers.toml").write_text("[breakers.payments]\n")
    environment = {"BREAKERD_TOKEN": TOKEN}
    with Server("--config", "breakers.toml", folder=folder, environment=environment) as server:
        yield server


_WITH_A_GRAMMAR = ("/silences", "/history", "/promote")


def test_every_operation_is_as_described(locked: Server, subtests: pytest.Subtests) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    schema = schemathesis.openapi.from_url(f"{locked.url}/openapi.json", headers=headers)
    # An event stream never ends, and what comes of it is shown elsewhere.
    for result in schema.exclude(path_regex="/events$").get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()

        @settings(
            max_examples=6,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            # Whether a change is valid depends on what it is merged with, a silence on the time.
            # Times, names of fields, and conditions are texts with a grammar.
            depends = case.method == "PATCH" or case.path.endswith(_WITH_A_GRAMMAR)
            excluded = [positive_data_acceptance] if depends else []
            case.call_and_validate(headers=headers, timeout=30, excluded_checks=excluded)

        with subtests.test(operation=operation.label):
            ask()
