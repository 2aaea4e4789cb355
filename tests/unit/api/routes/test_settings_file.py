"""Effect of a change where the file cannot take it: nothing, neither there nor in memory."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd import Registry
from breakerd.api.app import create_app
from breakerd.breaker.config import config_file, edit
from breakerd.breaker.config.file.shared_file import Patience
from breakerd.breaker.config.merge import merge
from tests.support.admin_client import Client


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/breaker/wait", {"wait_time": 12}),
        ("PATCH", "/breakers/payments/config", {"recovery": {"probes": 6}}),
        ("POST", "/breaker/opsgenie/priority", {"priority": "P2"}),
        ("POST", "/-/reload", None),
    ],
)
def test_nothing_is_changed_while_somebody_saves_the_file(
    client: Client,
    registry: Registry,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    body: object,
) -> None:
    monkeypatch.setattr(config_file, "_CHANGE_PATIENCE", Patience(0.0))
    monkeypatch.setattr(config_file, "_RELOAD_PATIENCE", Patience(0.0))
    text, before = file.read_text(), registry.get("payments").settings
    with file.open("w"):  # as an editor that saves in place
        answer = client.request(method, path, json=body)
        assert answer.status_code == 409
        problem = answer.json()
        assert problem["type"] == "urn:breakerd:problem:conflict"
        assert problem["in_force"] is False
        assert "is being saved by somebody else: nothing was changed" in problem["detail"]
        assert file.read_text() == ""
    file.write_text(text)
    assert registry.get("payments").settings is before
    assert client.get("/audit").json()["entries"][0]["outcome"] == "refused"


def test_a_change_that_the_file_cannot_take_is_refused(
    client: Client, registry: Registry, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_another_breaker(text: str, *_: object) -> Iterator[str]:
        yield f"wait_time = 12\n{text}"  # at the root

    monkeypatch.setattr(edit, "forms_of", of_another_breaker)
    text = file.read_text()
    answer = client.patch("/breakers/payments/config", json={"wait_time": 12})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:breakerd:problem:conflict"
    assert "breakers.payments.wait_time cannot be changed" in answer.json()["detail"]
    assert "Edit the file by hand" in answer.json()["detail"]
    assert file.read_text() == text
    assert registry.get("payments").settings.wait_time == 10


DOTTED = """\
breakers.pay.wait_time = 3
breakers.search.wait_time = 4
circuit_breaker.latency_threshold = 700
opsgenie.enabled = false
"""


@pytest.mark.parametrize(
    ("path", "added"),
    [
        ("/breakers/pay/config", {"breakers": {"pay": {"recovery": {"probes": 6}}}}),
        ("/breaker/config", {"circuit_breaker": {"recovery": {"probes": 6}}}),
        ("/breakers/other/config", {"breakers": {"other": {"recovery": {"probes": 6}}}}),
    ],
)
def test_a_file_of_dotted_keys_takes_a_change_and_means_the_same_otherwise(
    tmp_path: Path, path: str, added: dict[str, object]
) -> None:
    file = tmp_path / "dotted.toml"
    file.write_text(DOTTED)
    with Registry.from_file(file, watch=False) as registry:
        registry.get("other")
        answer = Client(create_app(registry)).patch(path, json={"recovery": {"probes": 6}})
        assert answer.status_code == 200
        assert answer.json()["recovery"]["probes"] == 6
    assert tomllib.loads(file.read_text()) == merge(tomllib.loads(DOTTED), added)
