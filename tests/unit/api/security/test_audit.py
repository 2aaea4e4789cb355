from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI

from breakerd import Registry
from breakerd.api.app import create_app
from breakerd.api.routes import state
from breakerd.api.security.audit import AuditLog
from breakerd.api.security.auth import Actor
from tests.support.admin_client import Client

ADA = Actor("full token", "10.0.0.1", "ada")


def record(log: AuditLog, action: str) -> None:
    log.record(ADA, action, breaker="b", before={"x": 1}, after={"x": 2}, outcome="done")


def test_a_change_says_who_what_when_from_what_to_what(client: Client) -> None:
    client.post("/breaker/latency", json={"threshold": 250})
    client.post("/breakers/payments/trip", json={"reason": "drill of the team"})
    client.post("/breaker/opsgenie/cooldown", json={"cooldown_seconds": 7})
    cooldown, trip, latency = client.get("/audit").json()["entries"]
    assert latency["action"] == "change settings"
    assert latency["breaker"] == "default"
    assert latency["before"] == {"latency_threshold": 300.0}
    assert latency["after"] == {"latency_threshold": 250.0}
    assert (latency["right"], latency["client"]) == ("made token", "127.0.0.1")
    assert latency["outcome"] == "done"
    assert latency["at"].endswith("Z")
    assert (trip["before"], trip["after"]) == ({"state": "CLOSED"}, {"state": "OPEN"})
    assert trip["detail"] == "drill of the team"
    assert cooldown["after"] == {"opsgenie.alert_cooldown_seconds": 7}


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"ada", "ada"),
        ("zoë".encode(), "zoë"),
        (b"a\x1b[2Jb", r"a\x1b[2Jb"),
        (b"x" * 300, "x" * 100),
        (b"\xff", "\ufffd"),
        (b"", ""),
    ],
)
def test_a_user_is_shown_as_the_client_says(client: Client, sent: bytes, shown: str) -> None:
    client.post("/breaker/reset", headers={b"X-Breakerd-User": sent})
    assert client.get("/audit").json()["entries"][0]["user"] == shown


def test_a_user_has_no_rights(client: Client, app: FastAPI) -> None:
    stranger = Client(app, stranger=True)
    assert stranger.post("/breaker/reset", headers={"X-Breakerd-User": "root"}).status_code == 401
    assert client.get("/audit").json()["entries"] == []


def test_entries_of_one_breaker(client: Client) -> None:
    for path in ("/breaker/reset", "/breakers/payments/reset", "/breaker/disabled"):
        client.post(path)
    found = client.get("/audit", params={"breaker": "default", "limit": 1}).json()["entries"]
    assert [each["action"] for each in found] == ["disable"]
    found = client.get("/audit", params={"breaker": "payments"}).json()["entries"]
    assert [each["breaker"] for each in found] == ["payments"]


def test_what_was_refused_is_kept_too(client: Client) -> None:
    client.post("/breaker/disabled")
    assert client.post("/breaker/trip").status_code == 409
    refused = client.get("/audit").json()["entries"][0]
    assert refused["outcome"] == "refused"
    assert refused["before"] == refused["after"] == {"state": "DISABLED"}


def test_looking_is_no_change(client: Client) -> None:
    for path in ("/breaker/status", "/breaker/config", "/alerts", "/metrics"):
        assert client.get(path).status_code == 200
    assert client.get("/audit").json() == {"entries": [], "problem": None}


def test_a_fault_of_ours_is_kept_as_failed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_breaker: object, **_: str) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(state, "_RESET", replace(state._RESET, here=fail))
    answer = client.post("/breaker/reset")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert client.get("/audit").json()["entries"][0]["outcome"] == "failed"


def test_the_file_holds_one_object_a_line_and_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "var" / "audit.jsonl"
    log = AuditLog(path)
    record(log, "first")
    record(log, "second")
    assert [json.loads(line)["action"] for line in path.read_text().splitlines()] == [
        "first",
        "second",
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("a") as file:
        file.write('{"at": "of another kind"}\n{"at": "cut sh')
    later = AuditLog(path)
    assert [entry["action"] for entry in later.entries()] == ["second", "first"]
    assert later.entries()[0]["user"] == "ada"
    record(later, "third")
    assert [entry["action"] for entry in AuditLog(path).entries(limit=2)] == ["third", "second"]


def test_entries_of_older_files_have_no_user(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    record(AuditLog(path), "old")
    entry = json.loads(path.read_text())
    del entry["user"]
    path.write_text(json.dumps(entry) + "\n")
    (loaded,) = AuditLog(path).entries()
    assert (loaded["action"], loaded["user"]) == ("old", "")


def test_the_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, max_bytes=700, backups=2)
    for number in range(20):
        record(log, f"action {number}")
    kept = sorted(tmp_path.iterdir())
    assert [each.name for each in kept] == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    assert all(each.stat().st_size <= 700 for each in kept)
    assert "action 19" in path.read_text()
    assert "action 17" in (path.read_text() + kept[1].read_text())


def test_without_backups_the_file_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, max_bytes=500, backups=0)
    for number in range(20):
        record(log, f"action {number}")
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_size <= 500


def test_a_disk_that_fails_stops_no_change_and_is_told(registry: Registry, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder is needed")
    client = Client(create_app(registry, audit=AuditLog(blocked / "audit.jsonl")))
    answer = client.post("/breaker/disabled")
    assert answer.status_code == 200
    assert "audit" in answer.headers["Breakerd-Warning"]
    assert client.get("/readyz").json()["checks"]["audit"] == "failing"
    kept = client.get("/audit").json()
    assert kept["entries"][0]["action"] == "disable"
    assert "blocked" in kept["problem"]
    blocked.unlink()
    assert "Breakerd-Warning" not in client.post("/breaker/enabled").headers


@pytest.mark.parametrize("kind", ["pipe", "folder", "full device", "NUL"])
def test_what_is_no_file_is_told_and_does_not_hang(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "audit.jsonl"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    path = {"full device": Path("/dev/full"), "NUL": tmp_path / "a\0b"}.get(kind, path)
    log = AuditLog(path)
    record(log, "trip")
    assert log.problem is not None
    assert log.problem.startswith(str(path))
    assert [entry["action"] for entry in log.entries()] == ["trip"]


def test_a_pipe_that_is_read_gets_every_line(tmp_path: Path) -> None:
    """As /dev/stdout of a container."""
    path = tmp_path / "audit.jsonl"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    log = AuditLog(path, max_bytes=10)
    record(log, "trip")
    record(log, "reset")
    assert log.problem is None
    lines = os.read(reader, 10_000).decode().splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["trip", "reset"]
    os.close(reader)


def test_lines_that_are_not_ours_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    record(AuditLog(path), "trip")
    with path.open("ab") as file:
        file.write(b"[" * 200_000 + b"\n\xff\x00{\n[1]\n" + b'{"a": ' * 50_000)
    log = AuditLog(path)
    assert [entry["action"] for entry in log.entries()] == ["trip"]
    record(log, "reset")
    assert [entry["action"] for entry in AuditLog(path).entries()] == ["reset", "trip"]


def test_entries_of_earlier_and_later_versions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    record(AuditLog(path), "trip")
    line = json.loads(path.read_text())
    earlier = {name: line[name] for name in line if name not in {"id", "process", "user"}}
    later = {**line, "hash": "0", "action": "reset"}
    path.write_text(f"{json.dumps(earlier)}\n{json.dumps(later)}\n7\n")
    reset, trip = AuditLog(path).entries()
    assert (trip["action"], trip["user"], trip["id"], trip["process"]) == ("trip", "", "", "")
    assert reset == {**line, "action": "reset"}
