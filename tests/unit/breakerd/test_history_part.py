"""What the parts of a process tell is in the record of its host."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from breakerd import Breakerd
from tests.support.admin_client import Client


@pytest.fixture
def breakers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Breakerd:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "breakers.toml"
    file.write_text("[breakers.payments]\n")
    return Breakerd(file, fleet=False, watch=False)


def test_changes_of_state_settings_and_refused_files_are_recorded(
    breakers: Breakerd, tmp_path: Path
) -> None:
    config, record = breakers.registry.config, breakers.record
    assert config is not None
    assert record is not None
    with breakers:
        breakers.get("payments").trip("why not")
        breakers.registry.change("payments", {"wait_time": 5})
        config.path.write_text("wait_time = -1\n")
        assert not config.reload()
        record.flush()
        found = {each.kind: each for each in record.reader().events(0, 1e11)}
    assert {"transition", "settings", "reload"} <= {*found}
    assert found["transition"].text.endswith("manual: why not")
    assert "wait_time: 10 → 5" in found["settings"].text
    assert "wait_time: found -1" in found["reload"].text
    assert (tmp_path / "var/breakerd-history.db").exists()


def test_history_follows_its_section(breakers: Breakerd, tmp_path: Path) -> None:
    config, record = breakers.registry.config, breakers.record
    assert config is not None
    assert record is not None
    with breakers:
        config.path.write_text("[history]\nfile = 'other.db'\nmax_mb = 8\n")
        assert config.reload()
        assert (record.path, record.settings.max_mb) == (tmp_path / "other.db", 8)
        config.path.write_text("[history]\nenabled = false\n")
        assert config.reload()
        assert not record.running


def test_history_is_changed_by_request(breakers: Breakerd) -> None:
    record = breakers.record
    assert record is not None
    with breakers:
        app = FastAPI()
        app.include_router(breakers.admin_router())
        client = Client(app)
        assert client.get("/config").json()["history"]["max_mb"] == 512
        answer = client.patch("/config", json={"history.max_mb": 8})
        assert (answer.status_code, record.settings.max_mb) == (200, 8), answer.text
        answer = client.patch("/config", json={"history.file": "elsewhere.db"})
        assert answer.status_code == 422, answer.text
        assert "a change in the file only" in answer.text
