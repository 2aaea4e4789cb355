"""Access to a service without a set token: the made one on terminal, in log, after a reload."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.polling import until
from tests.support.server_process import COMMAND, Server

HEADERS = {"Authorization": "Bearer it-is-set"}


def test_a_terminal_shows_a_link_with_the_token(tmp_path: Path) -> None:
    terminal, inner = pty.openpty()
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*COMMAND, "--port", "0"], cwd=tmp_path, stdout=inner, stderr=log
        )
    os.close(inner)
    with os.fdopen(terminal) as shown:
        url = shown.readline().strip().removeprefix("breakerd listening on ")
        link = shown.readline().strip()
    process.terminate()
    assert process.wait(30) == 0
    token = (tmp_path / "var/token").read_text().strip()
    assert link == f"dashboard {url}/#token={token}"
    logged = (tmp_path / "log").read_text()
    assert token not in logged
    assert f'"file":"{tmp_path}/var/token"' in logged.replace('": ', '":')


def test_whatever_else_reads_the_output_gets_no_link(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("breakerd listening on http://127.0.0.1:")
        process.terminate()
        rest, logged = process.communicate(timeout=30)
    token = (tmp_path / "var/token").read_text().strip()
    assert (rest, token in logged) == ("", False)


def test_two_services_in_a_folder_and_a_restart_share_the_token(tmp_path: Path) -> None:
    with Server(folder=tmp_path) as first, Server(folder=tmp_path) as second:
        token = first.made_token
        for server in (first, second):
            with server.client(token) as client:
                assert client.post("/breaker/disabled").status_code == 200
    with Server(folder=tmp_path) as again, again.client(token) as client:
        assert client.post("/breaker/enabled").status_code == 200


def test_rights_of_loopback_follow_the_file_and_are_no_business_of_http(tmp_path: Path) -> None:
    file = tmp_path / "breakers.toml"
    file.touch()
    with Server("--config", "breakers.toml", folder=tmp_path) as server, server.stranger() as local:
        assert local.post("/breaker/disabled").status_code == 401
        with server.client() as client:
            refused = client.patch("/config", json={"api.loopback": "open"})
            assert refused.status_code == 422
            assert "in the file only" in refused.json()["detail"]
        file.write_text('[api]\nloopback = "open"\n')
        until(lambda: local.post("/breaker/disabled").status_code == 200)
        assert local.get("/readyz").json()["checks"]["access"].startswith("risk: ")
        assert any("risk" in record and record["level"] == "warning" for record in server.log)
        # The variable is not there, so the file names a token.
        (tmp_path / "token").write_text("it-is-set")
        file.write_text('[api]\nloopback = "open"\ntoken_file = "token"\n')
        until(lambda: local.get("/breaker/status").status_code == 401)
        assert local.post("/breaker/enabled", headers=HEADERS).status_code == 200


def test_a_command_in_another_folder_is_told_where_the_token_is(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with Server(folder=tmp_path) as server:
        variables = {"BREAKERD_URL": server.url}
        assert run("status", folder=elsewhere, **variables).code == 0
        refused = run("trip", folder=elsewhere, **variables)
        assert refused.code == 1
        assert f"{elsewhere}/var/token: No such file" in refused.err
        assert "or give --token" in refused.err
        assert run("trip", "--token", server.made_token, folder=elsewhere, **variables).code == 0
        assert run("reset", folder=tmp_path, **variables).code == 0


@pytest.mark.parametrize(
    ("section", "sign", "found"),
    [
        ("", "✓", "no token is set: changes need the one in var/token"),
        ('loopback = "open"', "!", "whoever reaches this machine's loopback"),
        ('made_token_file = "none/x"', "✓", "changes need the one in none/x"),
        ('made_token_file = ""', "!", "no file is named"),
        ('made_token_file = "pipe"', "!", "found no regular file"),
        ('token_file = "set"', "✓", "a token is set"),
    ],
    ids=["made", "open", "to be made", "not made", "a pipe", "set"],
)
def test_doctor_says_who_may_change_what(
    tmp_path: Path, section: str, sign: str, found: str
) -> None:
    (tmp_path / "set").write_text("it-is-set")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "breakers.toml").write_text(f"[api]\n{section}\n")
    before = sorted(tmp_path.rglob("*"))
    lines = run("doctor", "--config", "breakers.toml", folder=tmp_path).out.splitlines()
    (line,) = (line for line in lines if " access " in line)
    assert line.startswith(sign)
    assert found in line
    assert sorted(tmp_path.rglob("*")) == before, "it changes nothing"
