from __future__ import annotations

from pathlib import Path

import httpx
from pydantic import SecretStr

from breakerd.alerts.receivers.webhook import SIGNATURE, signature
from tests.support.example_process import EXAMPLES, running
from tests.support.server_process import Server

KEY = {"BREAKERD_WEBHOOK_MINE_KEY": "some-long-key"}


def test_an_alert_is_printed_when_it_opens_and_when_it_closes(tmp_path: Path) -> None:
    config = tmp_path / "breakers.toml"
    # By default it is closed once the breaker has been well for 30 s.
    shown = (EXAMPLES / "own_receiver" / "breakers.toml").read_text()
    config.write_text(f"{shown}\n[alerts]\nresolve_after = 0\n")
    command = (str(EXAMPLES / "own_receiver" / "receiver.py"), "0")
    with running(*command, folder=tmp_path, **KEY) as receiver:
        url = {"BREAKERD_WEBHOOK_MINE_URL": receiver.wait_for("listening on (.*)")}
        with (
            Server("--config", str(config), folder=tmp_path, environment=KEY | url) as service,
            service.client() as admin,
        ):
            assert admin.post("/breaker/trip", json={"reason": "a try"}).is_success
            receiver.wait_for("^create P")
            assert admin.post("/breaker/reset").is_success
            receiver.wait_for("^close P")


def test_what_is_not_signed_is_refused(tmp_path: Path) -> None:
    command = (str(EXAMPLES / "own_receiver" / "receiver.py"), "0")
    with running(*command, folder=tmp_path, **KEY) as receiver:
        url = receiver.wait_for("listening on (.*)")
        assert httpx.post(url, content=b"{}").status_code == 401
        forged = signature(SecretStr("another key"), b"{}", 0)
        answer = httpx.post(url, content=b"{}", headers={SIGNATURE: forged})
        assert answer.status_code == 401
